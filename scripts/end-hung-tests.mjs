// Loaded before every test file: one that something keeps open for ever is ended, and says by what, so that all others are still told of.
const FILE_MS_MAX = 25 * 60_000;

if (process.env.NODE_TEST_CONTEXT !== undefined)
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(", ");
    console.error(`test_hangs: ${process.argv[1]} is open after ${FILE_MS_MAX / 60_000} minutes, by ${open}`);
    process.exit(1);
  }, FILE_MS_MAX).unref();

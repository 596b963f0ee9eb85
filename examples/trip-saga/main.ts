// A trip is booked in steps that are undone, last first, when one of them fails for good. Run it with: npm run example:saga
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError, defineWorkflow, openApp, type Json, type RunContext } from "tutti";
import { z } from "zod";

// What the outside world would keep: each booking under the step's idempotency key, so that a repeated call books once.
const bookings = new Map<string, string>();

/** Books something, and knows how to take it back. */
function book(ctx: RunContext, what: string): Promise<Json> {
  return ctx.step(
    `book ${what}`,
    ({ idempotencyKey }) => {
      bookings.set(idempotencyKey, what);
      return { what, booking: idempotencyKey };
    },
    {
      attemptsMax: 5,
      timeoutMs: 10_000,
      backoff: { delayMs: 20, delayMaxMs: 1000 },
      undo: (output) => {
        bookings.delete((output as { readonly booking: string }).booking);
        console.log(`  undone: ${what}`);
      },
    },
  );
}

const trip = defineWorkflow({
  name: "trip",
  version: "1",
  input: z.object({ to: z.string(), seats: z.number() }),
  // A trip that is not booked within a minute is not booked at all.
  limits: { timeMs: 60_000 },
  async run(ctx, { to, seats }) {
    await book(ctx, `a flight to ${to}`);
    // The hotel and the car do not need each other; either failure cancels the other and undoes the flight.
    await ctx.all([(branch) => book(branch, "a hotel"), (branch) => book(branch, "a car")]);
    const rooms = await ctx.map(
      Array.from({ length: seats }, (_, seat) => seat),
      (branch, seat) => book(branch, `seat ${seat + 1}`),
      {
        concurrency: 2,
      },
    );
    await ctx.step("pay", () => {
      if (seats > 2) throw new AppError("denied", `the card allows 2 seats, not ${seats}`);
    });
    return { to, booked: rooms.length };
  },
});

await using folder = await mkdtempDisposable(join(tmpdir(), "trip-"));
await using app = await openApp({ dataDir: folder.path, plugins: [{ name: "trip", workflows: [trip] }] });

for (const seats of [2, 3]) {
  console.log(`A trip to Rome for ${seats}:`);
  await app.run("trip", { to: "Rome", seats }).then(
    ({ output }) => console.log(`  booked: ${JSON.stringify(output)}`),
    (error: unknown) => console.log(`  failed: ${AppError.from(error).message}`),
  );
  console.log(`  bookings that stand: ${bookings.size}`);
}

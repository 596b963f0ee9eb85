import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { placeNames } from "./name-places.ts";

const box = { width: 600, height: 300 };

test("a name stands below its dot, and beside it where another dot is in the way", () => {
  const places = placeNames(
    [
      { id: "a", name: "holly", x: 100, y: 100 },
      { id: "b", name: "clara", x: 100, y: 117 },
    ],
    box,
  );
  assert.deepEqual(places.get("a"), { x: 100, y: 83 });
  assert.deepEqual(places.get("b"), { x: 100, y: 134 });
});

test("a name for which there is no room is left out, and the first named is not", () => {
  const crowd = Array.from({ length: 30 }, (_, index) => ({ id: String(index), name: "a long name here", x: 300, y: 150 + index }));
  const places = placeNames(crowd, box);
  assert.ok(places.has("0"));
  assert.ok(places.size < crowd.length);
});

test("whatever stands wherever, no two names that are written lie on each other or leave the picture", () => {
  const point = fc.record({
    name: fc.string({ minLength: 1, maxLength: 18 }),
    x: fc.integer({ min: 0, max: 600 }),
    y: fc.integer({ min: 0, max: 300 }),
  });
  fc.assert(
    fc.property(fc.array(point, { maxLength: 60 }), (drawn) => {
      const points = drawn.map((one, index) => ({ ...one, id: String(index) }));
      const written = [...placeNames(points, box)].map(([id, place]) => ({
        ...place,
        width: (points[Number(id)]?.name.length ?? 0) * 5.9,
      }));
      for (const [index, one] of written.entries()) {
        assert.ok(one.x - one.width / 2 >= 0 && one.x + one.width / 2 <= box.width && one.y >= 6 && one.y <= box.height - 6);
        for (const other of written.slice(index + 1))
          assert.ok(Math.abs(one.x - other.x) >= (one.width + other.width) / 2 - 1e-9 || Math.abs(one.y - other.y) >= 12 - 1e-9);
      }
    }),
  );
});

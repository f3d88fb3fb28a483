import { expect, test } from "vitest";
import { pictureUrl } from "../../src/lib/picture";

const data = Uint8Array.of(1, 2, 3);

test("a picture becomes an address with its bytes", () => {
  expect(pictureUrl({ type: "image/png", data })).toBe("data:image/png;base64,AQID");
});

test("none, an empty one, and a kind that browsers run are not shown", () => {
  expect(pictureUrl(undefined)).toBeUndefined();
  expect(pictureUrl({ type: "", data: new Uint8Array() })).toBeUndefined();
  expect(pictureUrl({ type: "image/svg+xml", data: Uint8Array.of(4) })).toBeUndefined();
  expect(pictureUrl({ type: 'image/png" onerror="x', data: Uint8Array.of(5) })).toBeUndefined();
});

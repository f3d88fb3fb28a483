// Tests that build on one another: after one has failed the others are not tried, and what was on the screens is kept.
import assert from "node:assert/strict";
import { test } from "node:test";

/** `people` tells who is there; what they see is kept when a step fails. */
export function stepsOf(people) {
  let failed = false;
  return (name, doing) =>
    test(name, async () => {
      assert.ok(!failed, "an earlier step failed");
      try {
        await doing();
      } catch (error) {
        failed = true;
        for (const person of people()) await person?.keep(`failed-${person.name}`);
        throw error;
      }
    });
}

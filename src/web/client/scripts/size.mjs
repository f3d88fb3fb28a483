// Fails when what a first visit loads as JavaScript is more than the bound, compressed as the server does it.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const kBound = 200_000;
const dist = new URL("../dist/", import.meta.url);
const page = readFileSync(new URL("index.html", dist), "utf8");

// The page's scripts, and what they import at once; what is imported later is not counted.
const wanted = [...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)].map((match) => match[1]);
const seen = new Set();
let total = 0;
for (let name = wanted.pop(); name; name = wanted.pop()) {
  if (seen.has(name)) continue;
  seen.add(name);
  const code = readFileSync(new URL(name, dist), "utf8");
  const size = gzipSync(code, { level: 9 }).length;
  total += size;
  console.log(`${String(size).padStart(8)}  ${name}`);
  for (const [, other] of code.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) wanted.push(`assets/${other}`);
}
console.log(`${String(total).padStart(8)}  of ${kBound} bytes at first load`);
if (!seen.size || total > kBound) process.exit(1);

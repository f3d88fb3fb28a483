// Makes src/gen: the protocol and the content format from their .proto files, the error codes and close codes from the
// server's tables. Needs protoc (Debian: protobuf-compiler).

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const sdk = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const root = path.resolve(sdk, "../../..");
const out = path.join(sdk, "src/gen");
mkdirSync(out, { recursive: true });

// Only what changed is written, so that whoever watches the files is not woken for nothing.
function write(name, text) {
  const file = path.join(out, name);
  let old = "";
  try {
    old = readFileSync(file, "utf8");
  } catch {
    // not there yet
  }
  if (old !== text) writeFileSync(file, text);
}

const made = mkdtempSync(path.join(tmpdir(), "godwit-gen-"));
for (const [folder, file] of [[path.join(root, "src/protocol"), "godwit.proto"], [path.join(sdk, "proto"), "content.proto"]]) {
  const plugin = path.join(sdk, "node_modules/.bin/protoc-gen-es");
  execFileSync("protoc", [`-I${folder}`, `--plugin=protoc-gen-es=${plugin}`, `--es_out=${made}`, "--es_opt=target=ts,import_extension=js", file], {
    stdio: "inherit",
  });
}

for (const name of readdirSync(made)) write(name, readFileSync(path.join(made, name), "utf8"));
rmSync(made, { recursive: true });

function table(file, macro) {
  const rows = readFileSync(path.join(root, "include/godwit", file), "utf8").matchAll(new RegExp(`^${macro}\\((\\w+),\\s*(\\d+),`, "gm"));
  return [...rows].map(([, name, code]) => ({ name, code: Number(code) }));
}

const errors = table("errors.def", "GODWIT_ERROR");
const closes = table("close_reasons.def", "GODWIT_CLOSE");
if (errors.length === 0 || closes.length === 0) throw new Error("the server's tables have another form than expected");
write(
  "codes.ts",
  `// Generated from include/godwit/errors.def and close_reasons.def.

export const codes: Readonly<Record<number, ServerCode>> = {
${errors.map((e) => `  ${e.code}: "${e.name}",`).join("\n")}
};

export type ServerCode =
${errors.map((e) => `  | "${e.name}"`).join("\n")};

/** Names of close codes. */
export const closeNames: Readonly<Record<number, string>> = {
${closes.map((e) => `  ${e.code}: "${e.name}",`).join("\n")}
};
`,
);

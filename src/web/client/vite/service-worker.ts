// Emits sw.js: src/sw.js with the list of files to keep offline and a version that changes with them.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const kSource = new URL("../src/sw.js", import.meta.url);
const kShell = ["favicon.svg", "manifest.webmanifest", "icon-192.png"];

export function serviceWorker(): Plugin {
  return {
    name: "godwit-service-worker",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      const files = ["./", ...Object.keys(bundle).filter((name) => name.startsWith("assets/")), ...kShell].sort();
      const version = createHash("sha256").update(files.join("\n")).digest("hex").slice(0, 16);
      const source = readFileSync(kSource, "utf8")
        .replace("[/* files */]", JSON.stringify(files))
        .replace("/* version */", version);
      this.emitFile({ type: "asset", fileName: "sw.js", source });
    },
  };
}

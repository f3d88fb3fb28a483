import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";
import { serviceWorker } from "./vite/service-worker.ts";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// `--mode double` builds against test/double in place of the SDK: screens without a server.
export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [tailwindcss(), serviceWorker()],
  resolve: {
    alias: { "@godwit/client": mode === "double" ? at("test/double/index.ts") : at("../sdk/src/index.ts") },
  },
  build: {
    target: "es2022",
    outDir: mode === "double" ? "dist-double" : "dist",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // Nothing inline: the server's Content-Security-Policy forbids it.
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/v1": { target: "http://127.0.0.1:8080", ws: true } } },
}));

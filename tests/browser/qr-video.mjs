// A QR code as a video, for a camera that is not there.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { kRepository } from "./support.mjs";

const kPixels = 8; // of a module
const [kWhite, kBlack, kGray] = [235, 16, 128];

/** Writes one picture of a code as YUV4MPEG2 (4:2:0), which Chromium repeats. */
export async function writeQrVideo(file, text) {
  const { encode } = await import(pathToFileURL(createRequire(path.join(kRepository, "src/web/client/package.json")).resolve("uqr")));
  const { data, size } = encode(text, { ecc: "M", border: 4 });
  const side = size * kPixels;
  const luma = Buffer.alloc(side * side, kWhite);
  for (let y = 0; y < side; ++y) for (let x = 0; x < side; ++x) if (data[Math.floor(y / kPixels)][Math.floor(x / kPixels)]) luma[y * side + x] = kBlack;
  const chroma = Buffer.alloc((side * side) / 2, kGray);
  writeFileSync(file, Buffer.concat([Buffer.from(`YUV4MPEG2 W${side} H${side} F10:1 Ip A1:1 C420jpeg\nFRAME\n`), luma, chroma]));
}

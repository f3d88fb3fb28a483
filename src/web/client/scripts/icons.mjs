// Draws the icons into public/: a godwit, which is a wader with a long bill, from one list of shapes.
import { writeFileSync } from "node:fs";
import { deflateSync } from "node:zlib";

// In a square of 100: ellipses [x, y, radius, radius, turn] and capsules [x1, y1, x2, y2, width].
const kGround = [15, 107, 102];
const kShapes = [
  { color: [226, 138, 84], ellipse: [45, 52, 21, 13, -0.42] },
  { color: [226, 138, 84], capsule: [55, 44, 63, 30, 9] },
  { color: [226, 138, 84], ellipse: [64, 28, 7.5, 6.5, 0] },
  { color: [246, 243, 238], capsule: [69, 29, 89, 34, 2.6] },
  { color: [246, 243, 238], capsule: [44, 63, 41, 82, 2.4] },
  { color: [246, 243, 238], capsule: [50, 61, 53, 82, 2.4] },
  { color: [176, 92, 48], ellipse: [38, 53, 15, 7, -0.5] },
  { color: [20, 25, 27], ellipse: [66, 27, 1.5, 1.5, 0] },
];

// CRC-32 as PNG wants it (ISO 3309); node:zlib has it from Node 22 on only.
function crc32(data) {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function inside(shape, x, y) {
  if (shape.ellipse) {
    const [cx, cy, a, b, turn] = shape.ellipse;
    const [dx, dy] = [x - cx, y - cy];
    const u = dx * Math.cos(turn) + dy * Math.sin(turn);
    const v = dy * Math.cos(turn) - dx * Math.sin(turn);
    return (u / a) ** 2 + (v / b) ** 2 <= 1;
  }
  const [x1, y1, x2, y2, width] = shape.capsule;
  const along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - x1 - t * (x2 - x1), y - y1 - t * (y2 - y1)) <= width / 2;
}

function svg() {
  const hex = (color) => `#${color.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  const drawn = kShapes.map(({ color, ellipse, capsule }) => {
    if (capsule) {
      const [x1, y1, x2, y2, width] = capsule;
      return `<path d="M${x1} ${y1}L${x2} ${y2}" stroke="${hex(color)}" stroke-width="${width}" stroke-linecap="round"/>`;
    }
    const [x, y, a, b, turn] = ellipse;
    const degrees = Math.round((turn * 180) / Math.PI);
    return `<ellipse cx="${x}" cy="${y}" rx="${a}" ry="${b}" fill="${hex(color)}" transform="rotate(${degrees} ${x} ${y})"/>`;
  });
  const ground = `<rect width="100" height="100" rx="22" fill="${hex(kGround)}"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">${ground}${drawn.join("")}</svg>\n`;
}

function png(size) {
  const kSamples = 3;
  const rows = Buffer.alloc(size * (size * 3 + 1));
  let at = 0;
  for (let y = 0; y < size; ++y) {
    rows[at++] = 0;
    for (let x = 0; x < size; ++x) {
      const sum = [0, 0, 0];
      for (let s = 0; s < kSamples ** 2; ++s) {
        const px = ((x + ((s % kSamples) + 0.5) / kSamples) * 100) / size;
        const py = ((y + (Math.floor(s / kSamples) + 0.5) / kSamples) * 100) / size;
        // The drawing is kept within the middle, as masks cut the edges off.
        const [sx, sy] = [50 + (px - 50) * 1.12, 50 + (py - 50) * 1.12];
        const color = kShapes.findLast((shape) => inside(shape, sx, sy))?.color ?? kGround;
        color.forEach((part, i) => (sum[i] += part));
      }
      for (const part of sum) rows[at++] = Math.round(part / kSamples ** 2);
    }
  }
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

const folder = new URL("../public/", import.meta.url);
writeFileSync(new URL("favicon.svg", folder), svg());
for (const size of [192, 512]) writeFileSync(new URL(`icon-${size}.png`, folder), png(size));

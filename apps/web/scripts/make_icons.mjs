// Draws the app's icon into public/: lines of text, one with a marked word. As SVG, and as PNG
// for where SVG is not taken. PNG is written by hand, for it is a few rectangles.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";

const place = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "public");
const GROUND = [11, 98, 89];
const PAPER = [255, 255, 255];
const MARKED = [255, 209, 84];

// In units of 64: x, y, width, height, radius, colour.
const LINES = [
  [14, 17, 36, 5, 2.5, PAPER],
  [14, 28, 10, 5, 2.5, PAPER],
  [27, 25.5, 23, 10, 3, MARKED],
  [14, 39, 36, 5, 2.5, PAPER],
  [14, 50, 20, 5, 2.5, PAPER],
];

/** The shapes of an icon: with round corners of its own, or filled to the edges. */
function shapes(isFilled) {
  return [[0, 0, 64, 64, isFilled ? 0 : 14, GROUND], ...LINES];
}

function isInside([x, y, width, height, radius], px, py) {
  const dx = Math.max(x + radius - px, px - (x + width - radius), 0);
  const dy = Math.max(y + radius - py, py - (y + height - radius), 0);
  return dx * dx + dy * dy <= radius * radius && (radius > 0 || (dx === 0 && dy === 0));
}

/** Returns the bytes of a PNG; each pixel is the mean of 16 points. */
function png(size, isFilled) {
  const drawn = shapes(isFilled).reverse();
  const rows = Buffer.alloc(size * (4 * size + 1));
  for (let y = 0, at = 0; y < size; y++) {
    rows[at++] = 0; // the row is stored as it is
    for (let x = 0; x < size; x++, at += 4) {
      const sum = [0, 0, 0, 0];
      for (let i = 0; i < 16; i++) {
        const px = ((x + (i % 4) / 4 + 1 / 8) * 64) / size;
        const py = ((y + (i >> 2) / 4 + 1 / 8) * 64) / size;
        const colour = drawn.find((shape) => isInside(shape, px, py))?.[5];
        if (colour) [...colour, 255].forEach((value, channel) => (sum[channel] += value));
      }
      const points = sum[3] / 255 || 1;
      for (let channel = 0; channel < 3; channel++) rows[at + channel] = sum[channel] / points;
      rows[at + 3] = sum[3] / 16;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6], 8); // 8 bits a channel; red, green, blue, opacity
  const start = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const parts = [["IHDR", header], ["IDAT", deflateSync(rows)], ["IEND", Buffer.alloc(0)]];
  return Buffer.concat([start, ...parts.map(([name, data]) => chunk(name, data))]);
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

function svg() {
  const rows = shapes(false).map(
    ([x, y, width, height, radius, colour]) =>
      `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="rgb(${colour})"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">${rows.join("")}</svg>\n`;
}

fs.mkdirSync(place, { recursive: true });
fs.writeFileSync(path.join(place, "icon.svg"), svg());
fs.writeFileSync(path.join(place, "icon-180.png"), png(180, true));
fs.writeFileSync(path.join(place, "icon-192.png"), png(192, false));
fs.writeFileSync(path.join(place, "icon-512.png"), png(512, false));
// Systems cut this one to their own shape; what matters lies well inside.
fs.writeFileSync(path.join(place, "icon-512-filled.png"), png(512, true));

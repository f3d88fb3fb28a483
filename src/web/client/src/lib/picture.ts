// Pictures of people: small enough to come along inside a message.

export interface Picture {
  type: string;
  data: Uint8Array;
}

const kMaxBytes = 12 * 1024; // what the SDK takes
/** Side in pixels and quality, the best first. */
const kTries = [
  [256, 0.8],
  [256, 0.6],
  [192, 0.6],
  [128, 0.6],
  [96, 0.5],
] as const;
/** What browsers draw without running anything that is in it. */
const kTypes = ["image/jpeg", "image/png", "image/webp"];

const urls = new WeakMap<Uint8Array, string>();

/** The middle square of a picture, as JPEG. */
export async function smallPicture(file: Blob): Promise<Picture> {
  const bitmap = await createImageBitmap(file);
  const part = Math.min(bitmap.width, bitmap.height);
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d")!;
  try {
    for (const [side, quality] of kTries) {
      canvas.width = canvas.height = side;
      context.fillStyle = "white"; // behind what is transparent
      context.fillRect(0, 0, side, side);
      context.drawImage(bitmap, (bitmap.width - part) / 2, (bitmap.height - part) / 2, part, part, 0, 0, side, side);
      const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
      if (blob && blob.size <= kMaxBytes) return { type: blob.type, data: new Uint8Array(await blob.arrayBuffer()) };
    }
  } finally {
    bitmap.close();
  }
  throw new Error("That picture cannot be made small enough.");
}

/** What an <img> shows; undefined where there is no picture, or one of a kind that is not shown. */
export function pictureUrl(picture: Picture | undefined): string | undefined {
  if (!picture?.data.length || !kTypes.includes(picture.type)) return undefined;
  let url = urls.get(picture.data);
  if (!url) {
    url = `data:${picture.type};base64,${btoa(String.fromCharCode(...picture.data))}`;
    urls.set(picture.data, url);
  }
  return url;
}

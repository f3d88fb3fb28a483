/** Decoding of what others sent, with the decoders of ts-mls. */
type Decoder<T> = (bytes: Uint8Array, offset: number) => [T, number] | undefined;

/** Undefined for what is malformed or has something left over. */
export function decodeWhole<T>(decoder: Decoder<T>, bytes: Uint8Array): T | undefined {
  try {
    const decoded = decoder(bytes, 0);
    return decoded && decoded[1] === bytes.length ? decoded[0] : undefined;
  } catch {
    return undefined;
  }
}

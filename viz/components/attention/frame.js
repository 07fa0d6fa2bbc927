// Frame: splits bytes into a JSON header and typed arrays.
// Does not know what the header says.
// The bytes come out of a larger message at any address; typed arrays need an aligned one.

export function decodeFrame(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const body = bytes.slice(4 + length).buffer;
  return {
    header,
    u8: (at, count) => new Uint8Array(body, at, count),
    u32: (at, count) => new Uint32Array(body, at, count),
    f32: (at, count) => new Float32Array(body, at, count),
  };
}

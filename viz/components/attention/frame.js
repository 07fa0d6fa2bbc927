// Frame: splits bytes into a JSON header and typed arrays.
// Does not know what the header says.
// Typed arrays need an aligned address: bytes that stand at another in a larger message are copied.

// Half-precision numbers, which not every browser can read in place: the value of each of the 65,536.
let halves = null;

function valueOfHalf(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

function fromHalves(bits) {
  halves ??= Float32Array.from({ length: 65536 }, (_, i) => valueOfHalf(i));
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = halves[bits[i]];
  return values;
}

export function decodeFrame(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const start = bytes.byteOffset + 4 + length;
  const [body, from] = start % 4 ? [bytes.slice(4 + length).buffer, 0] : [bytes.buffer, start];
  return {
    header,
    u8: (at, count) => new Uint8Array(body, from + at, count),
    u32: (at, count) => new Uint32Array(body, from + at, count),
    f16: (at, count) => fromHalves(new Uint16Array(body, from + at, count)),
    f32: (at, count) => new Float32Array(body, from + at, count),
  };
}

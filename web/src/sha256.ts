// SHA-256 (FIPS 180-4), a piece at a time: the browser's own needs the whole file in memory, and
// is not there on a page that came without TLS from another machine.

const BLOCK_BYTES = 64;
/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const ROUNDS = Int32Array.from(primes(64), (it) => fraction(Math.cbrt(it)));
/** The same of the square roots of the first eight. */
const START = Int32Array.from(primes(8), (it) => fraction(Math.sqrt(it)));

function primes(count: number): number[] {
  const found: number[] = [];
  for (let it = 2; found.length < count; it += 1) if (found.every((prime) => it % prime !== 0)) found.push(it);
  return found;
}

function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
}

/** A hash that takes its bytes in pieces. */
export class Sha256 {
  private readonly state = START.slice();
  private readonly schedule = new Int32Array(64);
  /** What does not fill a block yet. */
  private readonly rest = new Uint8Array(BLOCK_BYTES);
  private held = 0;
  private length = 0;

  /** Takes the next bytes. */
  update(bytes: Uint8Array): void {
    this.length += bytes.length;
    let at = 0;
    if (this.held > 0) {
      at = Math.min(BLOCK_BYTES - this.held, bytes.length);
      this.rest.set(bytes.subarray(0, at), this.held);
      this.held += at;
      if (this.held < BLOCK_BYTES) return;
      this.block(this.rest, 0);
      this.held = 0;
    }
    for (; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES) this.block(bytes, at);
    this.rest.set(bytes.subarray(at));
    this.held = bytes.length - at;
  }

  /** The hash of everything taken, in hex; nothing can be taken afterwards. */
  hex(): string {
    const bits = this.length * 8;
    const end = new Uint8Array(this.held < 56 ? BLOCK_BYTES : 2 * BLOCK_BYTES);
    end.set(this.rest.subarray(0, this.held));
    end[this.held] = 0x80;
    const view = new DataView(end.buffer);
    view.setUint32(end.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(end.length - 4, bits >>> 0);
    for (let at = 0; at < end.length; at += BLOCK_BYTES) this.block(end, at);
    return Array.from(this.state, (it) => (it >>> 0).toString(16).padStart(8, "0")).join("");
  }

  private block(bytes: Uint8Array, at: number): void {
    const w = this.schedule;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK_BYTES);
    for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(i * 4);
    for (let i = 16; i < 64; i += 1) {
      const [x, y] = [w[i - 15]!, w[i - 2]!];
      const low = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
      const high = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
      w[i] = (w[i - 16]! + low + w[i - 7]! + high) | 0;
    }
    const s = this.state;
    let a = s[0]!, b = s[1]!, c = s[2]!, d = s[3]!, e = s[4]!, f = s[5]!, g = s[6]!, h = s[7]!;
    for (let i = 0; i < 64; i += 1) {
      const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i]! + w[i]!) | 0;
      const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    s[0]! += a;
    s[1]! += b;
    s[2]! += c;
    s[3]! += d;
    s[4]! += e;
    s[5]! += f;
    s[6]! += g;
    s[7]! += h;
  }
}

function turn(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

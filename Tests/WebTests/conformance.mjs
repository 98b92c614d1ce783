// The hashes of Tests/LibraryTests/conformance.c, of sessions alone, by chargen.mjs.
import { EndReason, Pattern, Session } from '../chargen.mjs';

const runs = [
  { seed: 0n, temperature: 1, prompt: '', characters: 16, text: 'the end' },
  { seed: 42n, temperature: 0.5, prompt: 'hello été, ', characters: 11, text: '中' },
  { seed: 7n, temperature: 0, prompt: '😀', characters: 13, text: '' },
  { seed: 1n, temperature: 1, prompt: 'more than a block of text', characters: 5, text: 'more than a block, again' },
  { seed: 2n ** 64n - 1n, temperature: 2, prompt: 'a', characters: 16, text: 'abc' },
];
const mostCharacters = 16;

/** Other settings for each run. */
function set(model, session, number) {
  session.topK = 40 - 8 * number;
  session.topP = Math.fround(Math.fround(0.95) - Math.fround(Math.fround(0.1) * number));
  session.minP = Math.fround(Math.fround(0.01) * number);
  session.penalties = { repetition: 0.5, frequency: 0.25, window: 1 + 3 * number };
  session.setBias('a', 1.5);
  session.setBias('b', number % 2 === 0 ? -Infinity : -0.3);
  if (number === 1 || number === 3) session.pattern = new Pattern(model, '([c-h]{2,4},? ?)*[x-zé]');
  if (number >= 3) {
    session.maxLength = 7;
    session.stopStrings = ['ab', 'e', '中'];
  }
}

/** Other labels for each run. */
function setLabels(model, session, number) {
  model.labels.forEach(({ name, labels }, column) => {
    const weights = [0.3, 1, 0.25, 4];
    const place = (number + column) % (labels.length + 1);
    const mixture = Object.fromEntries(labels.map((label, index) => [label, weights[index]]));
    session.setLabel(number === 4 ? mixture : place === 0 ? null : labels[place - 1], name);
  });
}

function result(model, hasSettings) {
  const view = new DataView(new ArrayBuffer(runs.length * (8 + 4 * mostCharacters + 8)));
  runs.forEach(({ seed, temperature, prompt, characters, text }, number) => {
    const session = new Session(model, { temperature, seed });
    setLabels(model, session, number);
    if (hasSettings) set(model, session, number);
    if (prompt !== '') view.setFloat64(8 * number, session.score(prompt).logProbability, true);
    session.reset();
    if (prompt !== '') session.feed(prompt);
    for (let index = 0; index < characters; index++) {
      const end = () => (session.endReason === EndReason.STOP_STRING ? 0xfffffffe : 0xffffffff);
      const code = session.next()?.codePointAt(0) ?? end();
      view.setUint32(8 * runs.length + 4 * (mostCharacters * number + index), code, true);
    }
    const place = (8 + 4 * mostCharacters) * runs.length + 8 * number;
    if (text !== '') view.setFloat64(place, session.score(text).logProbability, true);
    session.close();
  });
  return new Uint8Array(view.buffer);
}

/** FNV-1a. */
function hash(bytes) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

/** Two lines of conformance.txt. */
export function lines(model) {
  const start = `${model.cell.padEnd(4)} ${model.weightType.padEnd(4)} `;
  const end = (model.hasUnknown ? ' unknown' : '') + (model.labels.length > 0 ? ' labels' : '');
  return `${start}${hash(result(model, false))}${end}\n${start}${hash(result(model, true))}${end} settings\n`;
}

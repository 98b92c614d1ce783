// chargen.mjs in Node. WEB is the folder that it lies in, MODELS one with the models of run.sh.
import assert from 'node:assert';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import test from 'node:test';

const web = pathToFileURL(`${process.env.WEB}/`);
const { ChargenError, EndReason, Model, Pattern, Session, Status } = await import(new URL('chargen.mjs', web));
const { lines } = await import(new URL('test/conformance.mjs', web));
const model = await Model.load(new URL('place-names.cgw', web));
const models = process.env.MODELS;

test('the hashes on record', async () => {
  let text = '';
  for (const name of readdirSync(models).sort()) text += lines(await Model.load(readFileSync(`${models}/${name}`)));
  assert.strictEqual(text, readFileSync(new URL('../LibraryTests/conformance.txt', import.meta.url), 'utf8'));
});

test('the wasm file imports nothing', async () => {
  const module = await WebAssembly.compile(readFileSync(new URL('chargen.wasm', web)));
  assert.deepStrictEqual(WebAssembly.Module.imports(module), []);
});

test('a model from bytes, a view, a blob, a URL and a path is the same', async () => {
  const bytes = readFileSync(new URL('place-names.cgw', web));
  const wasm = readFileSync(new URL('chargen.wasm', web));
  const padded = Buffer.concat([Buffer.alloc(3), bytes]);
  const sources = [
    bytes, padded.subarray(3), new Blob([bytes]), new Response(bytes), new URL('place-names.cgw', web),
    new URL('place-names.cgw', web).href,
  ];
  const expected = new Session(model, { seed: 5 }).generate(100);
  for (const source of sources) {
    assert.strictEqual(new Session(await Model.load(source, { wasm }), { seed: 5 }).generate(100), expected);
  }
});

test('what is no model is refused', async () => {
  const bytes = readFileSync(new URL('place-names.cgw', web));
  await assert.rejects(Model.load(new Uint8Array(0)), { name: 'ChargenError', status: Status.INVALID_MODEL });
  await assert.rejects(Model.load(bytes.subarray(0, -1)), { status: Status.INVALID_MODEL });
  await assert.rejects(Model.load(Buffer.concat([bytes, bytes])), { status: Status.INVALID_MODEL });
  for (let place = 0; place < bytes.length; place += 4999) {
    const damaged = Buffer.from(bytes);
    damaged[place] ^= 1;
    await assert.rejects(Model.load(damaged), ChargenError);
  }
  await assert.rejects(Model.load(new URL('no-such-file', web)), { code: 'ENOENT' });
  await assert.rejects(Model.load(3), TypeError);
  assert.throws(() => new Session({}), TypeError);
  assert.throws(() => new Session(new Model()), TypeError);
});

test('labels decide texts, and texts tell labels', async () => {
  const labelled = await Model.load(readFileSync(`${models}/gru-labels.cgw`));
  assert.deepStrictEqual(labelled.labels, [
    { name: 'class', labels: ['a', 'b', 'é'] }, { name: 'kind', labels: ['b', 'long'] },
  ]);
  assert.deepStrictEqual(model.labels, []);
  const text = (...choice) => {
    const session = new Session(labelled, { seed: 3 });
    session.setLabel(...choice);
    return Array.from({ length: 10 }, () => session.generate(60)).join('¶');
  };
  assert.strictEqual(new Set([text('a'), text('é'), text('long', 'kind'), text(null)]).size, 4);
  assert.strictEqual(text({ a: 3 }), text('a'));
  const result = new Session(labelled).classify('abc');
  assert.deepStrictEqual(Object.keys(result), ['a', 'b', 'é']);
  assert.ok(Math.abs(Object.values(result).reduce((sum, each) => sum + each) - 1) < 1e-6);
  assert.notDeepStrictEqual(new Session(labelled).classify('abc', { whole: false }), result);
  assert.throws(() => text('x'), RangeError);
  assert.throws(() => text('a', 'x'), RangeError);
  assert.throws(() => text({ a: 0 }), { status: Status.INVALID_ARGUMENT });
  assert.throws(() => new Session(model).setLabel('a'), RangeError);
});

test('a model tells what it is', () => {
  assert.deepStrictEqual([model.cell, model.layers, model.hiddenSize, model.weightType], ['gru', 2, 64, 'f32']);
  assert.ok(model.verify());
  assert.ok(model.hasEndOfDocument && !model.hasUnknown);
  assert.ok(model.knows('a') && !model.knows('中'));
  assert.strictEqual(model.nearest('À'), 'A');
  assert.ok(JSON.parse(model.provenance).chargen);
  assert.match(model.version, /^\d+\.\d+\.\d+/);
  assert.strictEqual(new Set(model.characters).size, model.characters.length);
});

test('all ways to text give the same', async () => {
  const session = new Session(model, { seed: 9, temperature: 0.8 });
  const others = [session.clone(), Session.restore(model, session.snapshot()), new Session(model, { seed: 9n, temperature: 0.8 })];
  for (let i = 0; i < 20; i++) {
    const text = [...session].join('');
    assert.strictEqual(session.endReason, EndReason.DOCUMENT);
    assert.strictEqual(others[0].generate(1e6), text);
    let streamed = '';
    for await (const piece of others[1].stream({ milliseconds: 0 })) streamed += piece;
    assert.strictEqual(streamed, text);
    let single = '';
    for (let each; (each = others[2].next()) !== null; ) single += each;
    assert.strictEqual(single, text);
  }
});

test('a text is cut where it is asked to be', async () => {
  const session = new Session(model, { seed: 1 });
  session.setBias(null, -Infinity);
  const text = session.generate(5000);
  assert.strictEqual([...text].length, 5000);
  session.reset();
  let streamed = '';
  for await (const piece of session.stream({ maxCharacters: 777 })) streamed += piece;
  assert.strictEqual(streamed, text.slice(0, 777));
  assert.strictEqual(session.generate(0), '');
});

test('timers run while text streams', async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const session = new Session(model);
  session.setBias(null, -Infinity);
  for await (const _ of session.stream({ maxCharacters: 5000, milliseconds: 2 }));
  clearInterval(timer);
  assert.ok(ticks > 3);
});

test('settings read back, and refuse what they cannot be', () => {
  const session = new Session(model, {
    temperature: 0.5, seed: 2n ** 64n - 1n, topK: 7, topP: 0.5, minP: 0.25, penalties: { repetition: 1, window: 9 },
    maxLength: 30, stopStrings: ['x', 'yz'], unknown: 'nearest',
  });
  assert.strictEqual(session.temperature, 0.5);
  assert.strictEqual(session.seed, 2n ** 64n - 1n);
  assert.deepStrictEqual([session.topK, session.topP, session.minP], [7, 0.5, 0.25]);
  assert.deepStrictEqual(session.penalties, { repetition: 1, frequency: 0, window: 9 });
  assert.strictEqual(session.maxLength, 30);
  assert.deepStrictEqual(session.stopStrings, ['x', 'yz']);
  assert.strictEqual(session.unknown, 'nearest');
  session.unknown = 'e';
  assert.strictEqual(session.unknown, 'e');
  for (const unknown of ['fail', 'skip']) assert.strictEqual((session.unknown = unknown, session.unknown), unknown);
  session.setBias('a', -2);
  assert.strictEqual(session.bias('a'), -2);
  session.setAllowed('abc');
  assert.ok(session.allows('a') && !session.allows('d'));
  for (const value of [NaN, -1, 1e9]) assert.throws(() => (session.temperature = value), { status: Status.INVALID_ARGUMENT });
  for (const value of [-1, 1.5, 2 ** 40, NaN]) assert.throws(() => (session.topK = value), RangeError);
  for (const value of [-1, 2n ** 64n]) assert.throws(() => (session.seed = value), RangeError);
  for (const value of ['', 'ab', 3, undefined]) assert.throws(() => session.setBias(value, 0), TypeError);
  assert.throws(() => session.setBias('\ud800', 0));
  assert.throws(() => new Session(model, { temprature: 1 }), /no setting temprature/);
  assert.throws(() => (session.stopStrings = ['']), { status: Status.INVALID_ARGUMENT });
  assert.deepStrictEqual(session.stopStrings, ['x', 'yz']);
});

test('text is refused whole, with a reason', () => {
  const session = new Session(model);
  const before = session.logits();
  assert.throws(() => session.feed('Ab中'), { status: Status.UNKNOWN_CHARACTER, message: /U\+4E2D/ });
  assert.throws(() => session.feed('A\ud800'), TypeError);
  assert.throws(() => session.feed(3), TypeError);
  assert.deepStrictEqual(session.logits(), before);
});

test('patterns, templates and stop strings', () => {
  const session = new Session(model, { pattern: new Pattern(model, '[A-Z][a-z]{3,5}(-on-[A-Z][a-z]+)?') });
  for (let i = 0; i < 50; i++) assert.match(session.generate(100), /^[A-Z][a-z]{3,5}(-on-[A-Z][a-z]+)?$/);
  const template = Pattern.template(model, 'B_tt_n', '_', 'aeiou');
  session.pattern = template;
  template.close();
  assert.match(session.generate(10), /^B[aeiou]tt[aeiou]n$/);
  session.pattern = null;
  session.stopStrings = ['e'];
  for (let i = 0; i < 50; i++) {
    assert.ok(!session.generate(100).includes('e'));
    assert.strictEqual(session.stoppedAt, session.endReason === EndReason.STOP_STRING ? 'e' : null);
  }
  assert.throws(() => new Pattern(model, 'ab[c'), { status: Status.INVALID_PATTERN, message: /character 3/ });
});

test('a pattern is for one model', async () => {
  const other = await Model.load(new URL('place-names.cgw', web));
  const pattern = new Pattern(other, '[A-Z]');
  assert.throws(() => (new Session(model).pattern = pattern), TypeError);
});

test('probabilities and scores agree', () => {
  const session = new Session(model);
  session.feed('Al');
  const probabilities = session.probabilities();
  assert.strictEqual(probabilities.length, model.characters.length + 1);
  assert.ok(Math.abs(probabilities.reduce((a, b) => a + b) - 1) < 1e-4);
  const [first] = session.likeliest(1);
  assert.strictEqual(first.probability, Math.max(...probabilities));
  assert.strictEqual(session.probability(first.character), first.probability);
  assert.ok(Math.abs(session.logProbability('f') - Math.log(session.probability('f'))) < 1e-5);
  assert.strictEqual(session.likeliest(1e6).length, probabilities.length);
  const [whole, each] = [session.clone(), session.clone()];
  const { logProbability, characters } = whole.score('ford');
  assert.strictEqual(characters, 4);
  assert.ok(Math.abs(each.scoreCharacters('ford').reduce((a, b) => a + b) - logProbability) < 1e-9);
  assert.ok(each.score('', { end: true }).logProbability < 0);
});

test('undo, pieces and the end of a document', () => {
  const session = new Session(model);
  session.setUndo(10);
  const before = session.logits();
  session.feedPiece(new TextEncoder().encode('Al'));
  session.feedPiece(new Uint8Array(0));
  assert.strictEqual(session.undoCount, 2);
  session.undo(2);
  assert.deepStrictEqual(session.logits(), before);
  session.feedEnd();
  assert.ok(session.ended);
});

test('what is closed is not used again', () => {
  const session = new Session(model);
  session.close();
  session.close();
  assert.throws(() => session.next(), TypeError);
  const pattern = new Pattern(model, 'A');
  pattern.close();
  assert.throws(() => (new Session(model).pattern = pattern), TypeError);
});

test('the code blocks of the guides run', async () => {
  globalThis.document = { body: { append() {} } };
  let count = 0;
  for (const guide of ['docs/web-guide.md', 'README.md']) {
    const text = readFileSync(new URL(`../../${guide}`, import.meta.url), 'utf8');
    for (const [, code] of text.matchAll(/^```js\n(.*?)^```$/gms)) {
      const here = code.replaceAll('./chargen.mjs', '../chargen.mjs').replaceAll(/'(model|place-names)\.cgw'/g, `'${web}place-names.cgw'`);
      const file = new URL(`test/block-${++count}.mjs`, web);
      writeFileSync(file, here);
      await import(file);
    }
  }
  assert.ok(count >= 4);
});

test('many sessions come and go, and memory does not grow', async () => {
  const own = await Model.load(new URL('place-names.cgw', web));
  const session = new Session(own);
  session.generate(100);
  for (let i = 0; i < 100; i++) new Session(own, { seed: i }).close();
  const { memory } = own;
  for (let i = 0; i < 20_000; i++) {
    const each = i % 3 === 0 ? session.clone() : i % 3 === 1 ? Session.restore(own, session.snapshot()) : new Session(own);
    each.next();
    each.close();
  }
  assert.strictEqual(own.memory, memory);
});

test('memory that the system refuses is a status', async () => {
  const own = await Model.load(new URL('place-names.cgw', web));
  const sessions = [];
  assert.throws(() => {
    for (;;) {
      const session = new Session(own);
      session.setUndo(65_536);
      sessions.push(session);
    }
  }, { status: Status.OUT_OF_MEMORY });
  const expected = new Session(model, { seed: 3 }).generate(50);
  for (const session of sessions) session.close();
  assert.strictEqual(new Session(own, { seed: 3 }).generate(50), expected);
});

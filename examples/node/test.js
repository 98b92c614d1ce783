// Tests with the model of names that the environment variable MODEL names.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const test = require('node:test');
const { EndReason, Model, Session } = require('./index.js');

const model = new Model(process.env.MODEL);

test('all ways give the same text', () => {
  const session = new Session(model, { seed: 5, temperature: 0.8 });
  const other = session.clone();
  for (let i = 0; i < 20; i++) {
    const text = [...session].join('');
    assert.strictEqual(session.endReason, EndReason.DOCUMENT);
    assert.strictEqual(other.generate(1e6), text);
  }
});

test('a model is its bytes', () => {
  const same = new Model(fs.readFileSync(process.env.MODEL));
  assert.strictEqual(new Session(same, { seed: 1n }).generate(50), new Session(model, { seed: 1 }).generate(50));
});

test('errors have a message and a status', () => {
  assert.throws(() => new Model('no/such/file'), { message: /No such file/, status: 3 });
  assert.throws(() => new Model(Buffer.from('x')), { status: 4 });
  assert.throws(() => new Model(3), TypeError);
  const session = new Session(model);
  assert.throws(() => (session.temperature = NaN), { status: 1 });
  assert.throws(() => session.feed('\u{10FFFF}'), { status: 7 });
  assert.throws(() => session.feed(), TypeError);
  assert.throws(() => new Session({}), TypeError);
});

test('probabilities add up to 1', () => {
  const session = new Session(model);
  session.feed('Al');
  assert.ok(Math.abs(session.probabilities().reduce((a, b) => a + b) - 1) < 1e-3);
});

test('many sessions come and go', () => {
  for (let i = 0; i < 2000; i++) new Session(model, { seed: i }).generate(3);
});

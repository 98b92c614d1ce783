// Runs the model beside the page, so that the page answers while text is generated.
import { Model, Pattern, Session } from './chargen.mjs';

let model;
let session;
let isStopped = false;

/** Begins a text with these settings, up to the end of its prompt. */
function begin({ prompt = '', temperature = 1, seed = 0, pattern = '' }) {
  session?.close();
  session = new Session(model, { temperature, seed });
  if (pattern !== '') {
    const compiled = new Pattern(model, pattern);
    session.pattern = compiled;
    compiled.close();
  }
  if (prompt !== '') session.feed(prompt);
}

const next = () => session.likeliest(12);

const calls = {
  async load({ source }) {
    const loaded = await Model.load(source);
    loaded.verify();
    session?.close();
    session = undefined;
    model = loaded;
    begin({});
    const { cell, layers, hiddenSize, parameters, weightType, characters } = model;
    return { cell, layers, hiddenSize, parameters, weightType, characters: characters.length, next: next() };
  },

  async generate({ maxCharacters, ...settings }) {
    isStopped = false;
    begin(settings);
    let count = 0;
    let milliseconds = 0;
    let start = performance.now();
    // Texts that end are followed by others.
    while (count < maxCharacters && !isStopped) {
      for await (const text of session.stream({ maxCharacters: maxCharacters - count })) {
        milliseconds += performance.now() - start;
        count += [...text].length;
        postMessage({ text });
        start = performance.now();
        if (isStopped) break;
      }
      if (!isStopped && session.ended) {
        postMessage({ text: '\n' });
        count += 1;
      }
    }
    return { count, speed: count / (milliseconds / 1000), next: next() };
  },

  stop() {
    isStopped = true;
  },

  feed({ character }) {
    if (character === null) session.feedEnd();
    else session.feed(character);
    return { next: next() };
  },

  /** The surprise of each character of a text in bits; null for those the model does not know. */
  surprise({ text }) {
    const reader = new Session(model, { unknown: 'skip' });
    // Lines are documents to a model that has learned where documents end and no line break.
    const hasLines = model.hasEndOfDocument && !model.knows('\n');
    const lines = hasLines ? text.split('\n') : [text];
    const bits = [];
    for (const [index, line] of lines.entries()) {
      if (index > 0) bits.push(-reader.score('', { end: true }).logProbability / Math.LN2);
      const scores = reader.scoreCharacters(line);
      [...line].forEach((each, place) => bits.push(model.knows(each) ? -scores[place] / Math.LN2 : null));
    }
    reader.close();
    return { bits };
  },
};

addEventListener('message', async ({ data: { id, call, values } }) => {
  try {
    postMessage({ id, result: await calls[call](values) });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
});

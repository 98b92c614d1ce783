// chargen for Node: models and sessions. `make build/chargen.node` compiles the part in C.
'use strict';

const path = require('node:path');
const binding = require(process.env.CHARGEN_NODE || path.join(__dirname, '../../build/chargen.node'));

/** Why text has come to its end: the values of `chargen_end_reason`. */
const EndReason = Object.freeze({
  NONE: 0, LIMIT: 1, BUFFER: 2, CALLBACK: 3, DOCUMENT: 4, PATTERN: 5, MAX_LENGTH: 6, STOP_STRING: 7, INTERRUPT: 8,
});

/** A trained model, immutable. */
class Model {
  #handle;

  /** @param {string | Buffer} source the path of a .cgw file, or its bytes */
  constructor(source) {
    this.#handle = binding.load(source);
  }

  static handle(model) {
    return model.#handle;
  }
}

/** A text that a model continues. It iterates over characters up to the next end. */
class Session {
  #handle;

  /** @param {Model} model */
  constructor(model, { temperature = 1, seed = 0n } = {}) {
    this.#handle = model instanceof Session ? binding.clone(model.#handle) : binding.create(Model.handle(model));
    if (model instanceof Session) return;
    this.temperature = temperature;
    this.seed = seed;
  }

  /** A session at the same place of the same text, which goes on by itself. */
  clone() {
    return new Session(this);
  }

  /** 0 is greedy; below 1 the distribution is sharpened, above 1 flattened. */
  set temperature(value) {
    binding.setTemperature(this.#handle, value);
  }

  /** Restarts the random generator. */
  set seed(value) {
    binding.setSeed(this.#handle, BigInt(value));
  }

  /** Reads text as if it had been generated. */
  feed(text) {
    binding.feed(this.#handle, text);
  }

  /** Text up to its end, at most so many characters. */
  generate(maxCharacters) {
    let text = '';
    for (let left = maxCharacters; left > 0; ) {
      const piece = binding.generate(this.#handle, Math.min(left, 1000));
      text += piece;
      left -= [...piece].length;
      if (![EndReason.LIMIT, EndReason.BUFFER].includes(this.endReason)) break;
    }
    return text;
  }

  get endReason() {
    return binding.endReason(this.#handle);
  }

  /** The probabilities of what may come next, in the order of the model's characters. */
  probabilities() {
    return binding.probabilities(this.#handle);
  }

  *[Symbol.iterator]() {
    for (let character; (character = binding.next(this.#handle)) !== null; ) yield character;
  }
}

module.exports = { EndReason, Model, Session };

// chargen in JavaScript: models and sessions, in browsers, workers and Node. chargen.wasm lies
// beside this file; chargen.d.mts has the types, and include/chargen.h says more of each function.

/** Why text has come to its end: the values of `chargen_end_reason`. */
export const EndReason = Object.freeze({
  NONE: 0, LIMIT: 1, BUFFER: 2, DOCUMENT: 4, PATTERN: 5, MAX_LENGTH: 6, STOP_STRING: 7,
});

/** What was wrong with a call: the values of `chargen_status`. */
export const Status = Object.freeze({
  INVALID_ARGUMENT: 1, OUT_OF_MEMORY: 2, INVALID_MODEL: 4, UNSUPPORTED_VERSION: 5, UNKNOWN_CHARACTER: 7,
  INVALID_PATTERN: 11, INVALID_SNAPSHOT: 12,
});

/** A call that failed. `status` is one of `Status`. */
export class ChargenError extends Error {
  constructor(status, message) {
    super(message);
    this.name = 'ChargenError';
    this.status = status;
  }
}

const END_OF_DOCUMENT = 0xffffffff;
const STOPPED = 0xfffffffe;
const POLICIES = ['fail', 'skip', 'replace', 'nearest'];

// ---- Values ----

/** The code of a character; null is the end of a document. */
function code(character) {
  if (character === null) return END_OF_DOCUMENT;
  const value = typeof character === 'string' ? character.codePointAt(0) : undefined;
  if (value === undefined || String.fromCodePoint(value) !== character) {
    throw new TypeError(`expected a single character or null, not ${JSON.stringify(character)}`);
  }
  return value;
}

const character = (value) => (value === END_OF_DOCUMENT ? null : String.fromCodePoint(value));

function size(value, name) {
  if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff) {
    throw new RangeError(`${name} must be an integer from 0 to 2147483647, not ${value}`);
  }
  return value;
}

function utf8(text) {
  if (typeof text !== 'string') throw new TypeError(`expected a string, not ${typeof text}`);
  // The encoder would put U+FFFD in the place of half a character.
  if (/\p{Surrogate}/u.test(text)) throw new TypeError('the string has half of a surrogate pair');
  return new TextEncoder().encode(text);
}

async function contents(source) {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (source instanceof Response) {
    if (!source.ok) throw new Error(`cannot load ${source.url}: ${source.status} ${source.statusText}`);
    return new Uint8Array(await source.arrayBuffer());
  }
  if (typeof source !== 'string' && !(source instanceof URL)) {
    throw new TypeError('expected bytes, a Blob, a Response or a URL');
  }
  const url = new URL(source, globalThis.location?.href ?? `file://${globalThis.process?.cwd()}/`);
  if (url.protocol !== 'file:' || globalThis.location) return contents(await fetch(url));
  const { readFile } = await import('node:fs/promises');
  return readFile(url);
}

// ---- The library ----

let compiled;

/** chargen.wasm, compiled once for all models. */
function program(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source !== undefined) return contents(source).then((bytes) => WebAssembly.compile(bytes));
  compiled ??= contents(new URL('chargen.wasm', import.meta.url)).then((bytes) => WebAssembly.compile(bytes));
  // Another attempt may succeed.
  compiled.catch(() => (compiled = undefined));
  return compiled;
}

/** An instance of chargen.wasm, and what passes between its memory and JavaScript. */
class Library {
  #decoder = new TextDecoder();
  #results;
  #room = 0;
  #roomLength = 0;

  constructor({ exports }) {
    this.exports = exports;
    exports.__wasm_call_ctors();
    this.#results = this.allocate(64);
  }

  // Memory that grows leaves earlier views empty, so each is made where it is used.
  bytes(address, length) {
    return new Uint8Array(this.exports.memory.buffer, address, length);
  }

  get #view() {
    return new DataView(this.exports.memory.buffer);
  }

  allocate(length) {
    const address = this.exports.cs_allocate(Math.max(length, 1)) >>> 0;
    if (address === 0) throw new ChargenError(Status.OUT_OF_MEMORY, `out of memory for ${length} bytes`);
    return address;
  }

  /** A block of at least so many bytes, until the next call. */
  room(length) {
    if (length > this.#roomLength) {
      this.exports.cs_free(this.#room);
      this.#room = this.#roomLength = 0;
      this.#room = this.allocate(length);
      this.#roomLength = length;
    }
    return this.#room;
  }

  /** A copy of bytes in the library's memory, until the next call. */
  copy(bytes) {
    const address = this.room(bytes.length);
    this.bytes(address, bytes.length).set(bytes);
    return [address, bytes.length];
  }

  /** Copies of texts until the next call: pointers to them and to their lengths. */
  copyAll(texts) {
    const all = texts.map(utf8);
    const pointers = this.room(all.reduce((sum, each) => sum + each.length, 8 * all.length));
    const lengths = pointers + 4 * all.length;
    let place = lengths + 4 * all.length;
    all.forEach((each, index) => {
      this.#view.setUint32(pointers + 4 * index, place, true);
      this.#view.setUint32(lengths + 4 * index, each.length, true);
      this.bytes(place, each.length).set(each);
      place += each.length;
    });
    return { pointers, lengths, each: all.map((_, index) => [this.uint32(pointers + 4 * index), all[index].length]) };
  }

  text(address, length) {
    return this.#decoder.decode(this.bytes(address, length));
  }

  /** A string with a zero at its end. */
  string(address) {
    const bytes = this.bytes(address);
    return this.#decoder.decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  uint32(address) {
    return this.#view.getUint32(address, true);
  }

  /** The number of bytes, floats or whatever else a call returns at this address. */
  get count() {
    return this.#results + 8;
  }

  /** Where a call returns a value. */
  get result() {
    return this.#results;
  }

  get resultCount() {
    return this.uint32(this.count);
  }

  get resultUint32() {
    return this.uint32(this.result);
  }

  get resultFloat32() {
    return this.#view.getFloat32(this.result, true);
  }

  get resultFloat64() {
    return this.#view.getFloat64(this.result, true);
  }

  floats(address, count) {
    return new Float32Array(this.exports.memory.buffer, address, count).slice();
  }

  doubles(address, count) {
    return new Float64Array(this.exports.memory.buffer, address, count).slice();
  }

  check(status) {
    if (status !== 0) throw new ChargenError(status, this.string(this.exports.chargen_error_message()));
  }
}

// ---- What belongs to an object ----

/** A handle of the library, with what an object must know besides. */
class Held {
  constructor(library, free, rest = {}) {
    Object.assign(this, { library, handle: library.resultUint32, free, ...rest });
  }
}

/** What is behind each model, session and pattern that is not closed. */
const internals = new WeakMap();
/** Frees sessions and patterns that were never closed. */
const registry = new FinalizationRegistry(({ free, handle }) => free(handle));

function adopt(object, held) {
  internals.set(object, held);
  registry.register(object, { ...held }, held);
}

function internal(object, kind) {
  const held = internals.get(object);
  if (held === undefined || !(object instanceof kind)) throw new TypeError(`expected a ${kind.name} that is not closed`);
  return held;
}

function close(object) {
  const held = internals.get(object);
  if (held === undefined) return;
  internals.delete(object);
  registry.unregister(held);
  held.free(held.handle);
}

// ---- Models ----

/** A trained model, immutable. Each has WebAssembly memory of its own. */
export class Model {
  #characters;

  static async load(source, { wasm } = {}) {
    const [bytes, module] = await Promise.all([contents(source), program(wasm)]);
    const library = new Library(await WebAssembly.instantiate(module, {}));
    const address = library.allocate(bytes.length);
    library.bytes(address, bytes.length).set(bytes);
    library.check(library.exports.chargen_model_load_memory(address, bytes.length, library.result));
    library.exports.cs_free(address);
    const model = new Model();
    // It goes with the memory.
    internals.set(model, new Held(library));
    return model;
  }

  get #library() {
    return internal(this, Model).library;
  }

  get #handle() {
    return internal(this, Model).handle;
  }

  get version() {
    return this.#library.string(this.#library.exports.chargen_version());
  }

  get cell() {
    return this.#library.string(this.#library.exports.chargen_model_cell(this.#handle));
  }

  get layers() {
    return this.#library.exports.chargen_model_layer_count(this.#handle);
  }

  get hiddenSize() {
    return this.#library.exports.chargen_model_hidden_size(this.#handle);
  }

  get parameters() {
    return this.#library.exports.chargen_model_parameter_count(this.#handle);
  }

  get weightType() {
    return this.#library.string(this.#library.exports.chargen_model_weight_type(this.#handle));
  }

  get hasEndOfDocument() {
    return this.#library.exports.chargen_model_has_end_of_document(this.#handle) !== 0;
  }

  get hasUnknown() {
    return this.#library.exports.chargen_model_has_unknown(this.#handle) !== 0;
  }

  get memory() {
    return this.#library.exports.memory.buffer.byteLength;
  }

  get provenance() {
    const library = this.#library;
    const address = library.exports.chargen_model_provenance(this.#handle, library.count);
    return library.text(address, library.resultCount);
  }

  get characters() {
    const library = this.#library;
    const count = library.exports.chargen_model_character_count(this.#handle);
    this.#characters ??= Object.freeze(Array.from({ length: count }, (_, index) => {
      library.check(library.exports.chargen_model_character(this.#handle, index, library.result));
      return character(library.resultUint32);
    }));
    return this.#characters;
  }

  get labels() {
    const { library, handle } = internal(this, Model);
    const { exports } = library;
    return Array.from({ length: exports.chargen_model_label_column_count(handle) }, (_, column) => ({
      name: library.string(exports.chargen_model_label_column(handle, column)),
      labels: Array.from({ length: exports.chargen_model_label_count(handle, column) }, (_, label) =>
        library.string(exports.chargen_model_label(handle, column, label))),
    }));
  }

  knows(each) {
    return this.#library.exports.chargen_model_knows(this.#handle, code(each)) !== 0;
  }

  nearest(each) {
    this.#library.check(this.#library.exports.chargen_model_nearest(this.#handle, code(each), this.#library.result));
    return character(this.#library.resultUint32);
  }

  verify() {
    this.#library.check(this.#library.exports.chargen_model_verify(this.#handle, this.#library.result));
    return this.#library.resultUint32 !== 0;
  }
}

// ---- Patterns ----

/** A regular expression or a template that generated text matches, for one model. */
export class Pattern {
  constructor(model, expression) {
    if (model instanceof Held) return void adopt(this, model);
    const { library, handle } = internal(model, Model);
    library.check(library.exports.chargen_pattern_create(handle, ...library.copy(utf8(expression)), library.result));
    adopt(this, new Held(library, library.exports.chargen_pattern_free));
  }

  static template(model, text, freeCharacter, choices = '') {
    const { library, handle } = internal(model, Model);
    const [texts, all] = library.copyAll([text, choices]).each;
    library.check(
      library.exports.chargen_pattern_create_template(handle, ...texts, code(freeCharacter), ...all, library.result));
    return new Pattern(new Held(library, library.exports.chargen_pattern_free));
  }

  close() {
    close(this);
  }
}

// ---- Sessions ----

/** The session that a call has just returned. */
function heldSession(library, model, rest) {
  return new Held(library, library.exports.chargen_session_free, { model, pattern: null, stopStrings: [], ...rest });
}

/** A text that a model continues. It iterates over characters up to the next end. */
export class Session {
  constructor(model, settings = {}) {
    if (model instanceof Held) return void adopt(this, model);
    const { library, handle } = internal(model, Model);
    library.check(library.exports.chargen_session_create(handle, library.result));
    adopt(this, heldSession(library, model));
    for (const [name, value] of Object.entries(settings)) {
      if (!Object.getOwnPropertyDescriptor(Session.prototype, name)?.set) {
        throw new TypeError(`a session has no setting ${name}`);
      }
      if (value !== undefined) this[name] = value;
    }
  }

  static restore(model, snapshot) {
    const { library, handle } = internal(model, Model);
    library.check(library.exports.chargen_session_restore(handle, ...library.copy(snapshot), library.result));
    return new Session(heldSession(library, model));
  }

  clone() {
    const { library, handle, model, pattern, stopStrings } = internal(this, Session);
    library.check(library.exports.chargen_session_clone(handle, library.result));
    return new Session(heldSession(library, model, { pattern, stopStrings }));
  }

  close() {
    close(this);
  }

  get #library() {
    return internal(this, Session).library;
  }

  get #handle() {
    return internal(this, Session).handle;
  }

  get #exports() {
    return this.#library.exports;
  }

  #check(status) {
    this.#library.check(status);
  }

  get model() {
    return internal(this, Session).model;
  }

  snapshot() {
    const library = this.#library;
    const capacity = this.#exports.chargen_session_snapshot_size(this.#handle);
    const address = library.room(capacity);
    this.#check(this.#exports.chargen_session_snapshot(this.#handle, address, capacity, library.count));
    return library.bytes(address, library.resultCount).slice();
  }

  // ---- Settings ----

  get temperature() {
    return this.#exports.chargen_session_temperature(this.#handle);
  }

  set temperature(value) {
    this.#check(this.#exports.chargen_session_set_temperature(this.#handle, value));
  }

  get seed() {
    return BigInt.asUintN(64, this.#exports.chargen_session_seed(this.#handle));
  }

  set seed(value) {
    const seed = BigInt(value);
    if (seed !== BigInt.asUintN(64, seed)) throw new RangeError(`the seed must be from 0 to 2**64 - 1, not ${seed}`);
    this.#check(this.#exports.chargen_session_set_seed(this.#handle, seed));
  }

  get topK() {
    return this.#exports.chargen_session_top_k(this.#handle);
  }

  set topK(value) {
    this.#check(this.#exports.chargen_session_set_top_k(this.#handle, size(value, 'topK')));
  }

  get topP() {
    return this.#exports.chargen_session_top_p(this.#handle);
  }

  set topP(value) {
    this.#check(this.#exports.chargen_session_set_top_p(this.#handle, value));
  }

  get minP() {
    return this.#exports.chargen_session_min_p(this.#handle);
  }

  set minP(value) {
    this.#check(this.#exports.chargen_session_set_min_p(this.#handle, value));
  }

  get penalties() {
    return {
      repetition: this.#exports.chargen_session_repetition_penalty(this.#handle),
      frequency: this.#exports.chargen_session_frequency_penalty(this.#handle),
      window: this.#exports.chargen_session_penalty_window(this.#handle),
    };
  }

  set penalties({ repetition = 0, frequency = 0, window = 0 }) {
    this.#check(
      this.#exports.chargen_session_set_penalties(this.#handle, repetition, frequency, size(window, 'window')));
  }

  bias(each) {
    return this.#exports.chargen_session_bias(this.#handle, code(each));
  }

  setBias(each, bias) {
    this.#check(this.#exports.chargen_session_set_bias(this.#handle, code(each), bias));
  }

  allows(each) {
    return this.#exports.chargen_session_allows(this.#handle, code(each)) !== 0;
  }

  setAllowed(characters) {
    this.#check(this.#exports.chargen_session_set_allowed(this.#handle, ...this.#library.copy(utf8(characters))));
  }

  get pattern() {
    return internal(this, Session).pattern;
  }

  set pattern(value) {
    const handle = value === null ? 0 : internal(value, Pattern).handle;
    if (value !== null && internal(value, Pattern).library !== this.#library) {
      throw new TypeError('the pattern belongs to another model');
    }
    this.#check(this.#exports.chargen_session_set_pattern(this.#handle, handle));
    internal(this, Session).pattern = value;
  }

  get maxLength() {
    return this.#exports.chargen_session_max_length(this.#handle);
  }

  set maxLength(value) {
    this.#check(this.#exports.chargen_session_set_max_length(this.#handle, size(value, 'maxLength')));
  }

  get stopStrings() {
    return [...internal(this, Session).stopStrings];
  }

  set stopStrings(values) {
    const strings = [...values];
    const { pointers, lengths } = this.#library.copyAll(strings);
    this.#check(this.#exports.chargen_session_set_stop_strings(this.#handle, pointers, lengths, strings.length));
    internal(this, Session).stopStrings = strings;
  }

  get unknown() {
    const replacement = this.#exports.chargen_session_replacement(this.#handle) >>> 0;
    return character(replacement) ?? POLICIES[this.#exports.chargen_session_unknown(this.#handle)];
  }

  set unknown(value) {
    const policy = POLICIES.indexOf(value);
    this.#check(
      policy >= 0
        ? this.#exports.chargen_session_set_unknown(this.#handle, policy)
        : this.#exports.chargen_session_set_replacement(this.#handle, code(value)));
  }

  // ---- Labels ----

  /** The number and the labels of a column; the first if none is named. */
  #column(name) {
    const columns = this.model.labels;
    const number = name === undefined ? 0 : columns.findIndex((column) => column.name === name);
    if (columns[number] === undefined) throw new RangeError(`the model has no column of labels ${name ?? ''}`);
    return { number, labels: columns[number].labels };
  }

  setLabel(label, column) {
    const { number, labels } = this.#column(column);
    const weights = label === null ? {} : typeof label === 'string' ? { [label]: 1 } : label;
    for (const name of Object.keys(weights)) {
      if (!labels.includes(name)) throw new RangeError(`the column has no label ${name}, but ${labels.join(', ')}`);
    }
    if (label === null) return void this.#check(this.#exports.chargen_session_set_label(this.#handle, number, -1));
    const values = Float32Array.from(labels, (name) => (Object.hasOwn(weights, name) ? weights[name] : 0));
    const [address] = this.#library.copy(new Uint8Array(values.buffer));
    this.#check(this.#exports.chargen_session_set_label_weights(this.#handle, number, address, labels.length));
  }

  classify(text, { column, whole = true } = {}) {
    const { number, labels } = this.#column(column);
    const library = this.#library;
    const address = library.allocate(4 * labels.length);
    try {
      const bytes = library.copy(utf8(text));
      this.#check(
        this.#exports.chargen_session_classify(
          this.#handle, number, ...bytes, whole ? 1 : 0, address, labels.length));
      const values = library.floats(address, labels.length);
      return Object.fromEntries(labels.map((name, index) => [name, values[index]]));
    } finally {
      library.exports.cs_free(address);
    }
  }

  // ---- Text ----

  next() {
    this.#check(this.#exports.chargen_session_next(this.#handle, this.#library.result));
    return this.#library.resultUint32 === STOPPED ? null : character(this.#library.resultUint32);
  }

  *[Symbol.iterator]() {
    for (let each; (each = this.next()) !== null; ) yield each;
  }

  generate(maxCharacters) {
    const library = this.#library;
    const capacity = 4096;
    let text = '';
    let left = size(maxCharacters, 'maxCharacters');
    do {
      // A character takes at most four bytes, so that the buffer is never what ends a piece.
      const most = Math.min(left, capacity / 4);
      const buffer = library.room(capacity);
      this.#check(this.#exports.chargen_session_generate(this.#handle, most, buffer, capacity, library.count));
      const bytes = library.bytes(buffer, library.resultCount);
      text += library.text(buffer, library.resultCount);
      for (const byte of bytes) if ((byte & 0xc0) !== 0x80) left--;
    } while (left > 0 && this.endReason === EndReason.LIMIT);
    return text;
  }

  async *stream({ maxCharacters = Infinity, milliseconds = 10 } = {}) {
    let left = maxCharacters;
    let most = 8;
    while (left > 0) {
      const start = performance.now();
      const text = this.generate(Math.min(most, left));
      const took = performance.now() - start;
      left -= [...text].length;
      if (text !== '') yield text;
      if (this.endReason !== EndReason.LIMIT) return;
      most = Math.max(1, Math.min(2 * most, Math.floor((most * milliseconds) / Math.max(took, 0.01)), 100_000));
      await breath();
    }
  }

  feed(text) {
    this.#check(this.#exports.chargen_session_feed(this.#handle, ...this.#library.copy(utf8(text))));
  }

  feedPiece(bytes) {
    this.#check(this.#exports.chargen_session_feed_piece(this.#handle, ...this.#library.copy(bytes)));
  }

  feedEnd() {
    this.#check(this.#exports.chargen_session_feed_character(this.#handle, END_OF_DOCUMENT));
  }

  reset() {
    this.#check(this.#exports.chargen_session_reset(this.#handle));
  }

  setUndo(characters) {
    this.#check(this.#exports.chargen_session_set_undo(this.#handle, size(characters, 'characters')));
  }

  get undoCount() {
    return this.#exports.chargen_session_undo_count(this.#handle);
  }

  undo(characters = 1) {
    this.#check(this.#exports.chargen_session_undo(this.#handle, size(characters, 'characters')));
  }

  get ended() {
    return this.#exports.chargen_session_ended(this.#handle) !== 0;
  }

  get endReason() {
    return this.#exports.chargen_session_end_reason(this.#handle);
  }

  get stoppedAt() {
    if (this.endReason !== EndReason.STOP_STRING) return null;
    return internal(this, Session).stopStrings[this.#exports.chargen_session_stop_string(this.#handle)] ?? null;
  }

  get held() {
    return this.#exports.chargen_session_held_count(this.#handle);
  }

  get mayEnd() {
    return this.#exports.chargen_session_may_end(this.#handle) !== 0;
  }

  // ---- Scores and probabilities ----

  score(text, { end = false } = {}) {
    const library = this.#library;
    const score = end ? this.#exports.chargen_session_score_document : this.#exports.chargen_session_score;
    this.#check(score(this.#handle, ...library.copy(utf8(text)), library.result, library.count));
    return { logProbability: library.resultFloat64, characters: library.resultCount };
  }

  scoreCharacters(text) {
    const library = this.#library;
    const count = [...text].length;
    const address = library.allocate(8 * count);
    try {
      this.#check(this.#exports.chargen_session_score_characters(
        this.#handle, ...library.copy(utf8(text)), address, count, library.count));
      return library.doubles(address, count);
    } finally {
      this.#exports.cs_free(address);
    }
  }

  likeliest(k) {
    const library = this.#library;
    const most = Math.min(size(k, 'k'), this.model.characters.length + 2);
    const characters = library.room(8 * most);
    const values = characters + 4 * most;
    this.#check(this.#exports.chargen_session_likeliest(this.#handle, most, characters, values, library.count));
    const probabilities = library.floats(values, library.resultCount);
    return Array.from(probabilities, (probability, index) => (
      { character: character(library.uint32(characters + 4 * index)), probability }));
  }

  probability(each) {
    this.#check(this.#exports.chargen_session_probability(this.#handle, code(each), this.#library.result));
    return this.#library.resultFloat32;
  }

  logProbability(each) {
    this.#check(this.#exports.chargen_session_log_probability(this.#handle, code(each), this.#library.result));
    return this.#library.resultFloat64;
  }

  #numbers(call) {
    const library = this.#library;
    this.#check(call(this.#handle, library.result, library.count));
    return library.floats(library.resultUint32, library.resultCount);
  }

  probabilities() {
    return this.#numbers(this.#exports.chargen_session_probabilities);
  }

  logProbabilities() {
    return this.#numbers(this.#exports.chargen_session_log_probabilities);
  }

  logits() {
    return this.#numbers(this.#exports.chargen_session_logits);
  }
}

/** Lets whatever waits have its turn, without the four milliseconds that timers take. */
function breath() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

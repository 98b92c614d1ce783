/** Why text has come to its end. */
export declare const EndReason: Readonly<{
  /** It has not. */
  NONE: 0;
  /** The number of characters that a call may generate. */
  LIMIT: 1;
  BUFFER: 2;
  /** The end of a document. */
  DOCUMENT: 4;
  /** The pattern is complete. */
  PATTERN: 5;
  MAX_LENGTH: 6;
  STOP_STRING: 7;
}>;

/** What was wrong with a call. */
export declare const Status: Readonly<{
  INVALID_ARGUMENT: 1;
  OUT_OF_MEMORY: 2;
  INVALID_MODEL: 4;
  UNSUPPORTED_VERSION: 5;
  UNKNOWN_CHARACTER: 7;
  INVALID_PATTERN: 11;
  INVALID_SNAPSHOT: 12;
}>;

/** A call that failed. The objects are as they were before it. */
export declare class ChargenError extends Error {
  /** One of `Status`. */
  readonly status: number;
}

/** A character; null is the end of a document. */
export type Character = string | null;

/** Bytes, or where to load them from. In Node a URL may be that of a file. */
export type Source = ArrayBuffer | ArrayBufferView | Blob | Response | URL | string;

/**
 * A trained model, immutable. Each has WebAssembly memory of its own, with its sessions and
 * patterns; the memory goes when nothing refers to any of them.
 */
export declare class Model {
  private constructor();

  /**
   * Loads a model from a .cgw file. All of a damaged file is refused.
   *
   * @param options.wasm chargen.wasm, compiled or to be loaded; by default from beside chargen.mjs.
   */
  static load(source: Source, options?: { wasm?: Source | WebAssembly.Module }): Promise<Model>;

  /** The version of chargen. */
  readonly version: string;
  /** `rnn`, `gru` or `lstm`. */
  readonly cell: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly parameters: number;
  /** `f32`, `bf16`, `int8` or `int4`. Use int8 here: f32 and bf16 are several times slower. */
  readonly weightType: string;
  /** Whether the model has learned where documents end. */
  readonly hasEndOfDocument: boolean;
  /** Whether the model has a symbol for unknown characters. */
  readonly hasUnknown: boolean;
  /** The bytes of WebAssembly memory that the model, its sessions and its patterns take. */
  readonly memory: number;
  /** What the file says of its origin: JSON, or empty. */
  readonly provenance: string;
  /** The characters, in the order of `Session.probabilities()`. */
  readonly characters: readonly string[];

  /** The columns of labels that the model was trained with; empty without labels. */
  readonly labels: readonly { readonly name: string; readonly labels: readonly string[] }[];

  knows(character: string): boolean;
  /** The known character that takes the place of another with `unknown: 'nearest'`. */
  nearest(character: string): string;
  /**
   * Runs the self-test that the file has: a text that the model must give on every processor.
   *
   * @returns Whether it has one. Throws if the text is another.
   */
  verify(): boolean;
}

/**
 * What generated text matches as a whole: a regular expression (docs/patterns.md), for one model.
 * Sessions keep what they need of a pattern that is closed.
 */
export declare class Pattern {
  constructor(model: Model, expression: string);

  /**
   * A text in which `freeCharacter` stands for one of `choices`, or, if these are empty, for any
   * character but the line break.
   */
  static template(model: Model, text: string, freeCharacter: string, choices?: string): Pattern;

  /** Frees its memory now. */
  close(): void;
}

/** The settings of a session. */
export interface Settings {
  /** 0 for greedy, or 0.001 to 1000: below 1 sharpens the distribution, above 1 flattens. */
  temperature?: number;
  /** The random generator's seed, 0 to 2**64 - 1. Setting it restarts the generator. */
  seed?: number | bigint | string;
  /** The most characters to choose from, the likeliest; 0 for all. */
  topK?: number;
  /** The part of the probability to choose from, of the likeliest characters; 1 for all. */
  topP?: number;
  /** The least probability to choose, as a part of the likeliest character's; 0 for all. */
  minP?: number;
  /**
   * What is subtracted from the logit of each character among the last `window` ones, once and
   * for each time.
   */
  penalties?: { repetition?: number; frequency?: number; window?: number };
  /** What each generated text matches from now on. */
  pattern?: Pattern | null;
  /** The most characters of a text; 0 for any number. */
  maxLength?: number;
  /** Strings at which generated text stops; nothing of them is given out. */
  stopStrings?: Iterable<string>;
  /**
   * What happens to unknown characters: 'fail' refuses the text, or reads the model's unknown
   * symbol; 'skip' leaves them out; 'nearest' reads the nearest known one; a single character is
   * read in the place of each.
   */
  unknown?: 'fail' | 'skip' | 'nearest' | string;
}

/**
 * A text that a model continues. Iterating gives characters up to the end of a document; with a
 * model that was not trained on documents it never ends.
 */
export declare class Session implements Iterable<string> {
  constructor(model: Model, settings?: Settings);

  /** A session that goes on as the one did that the snapshot was taken of, on any processor. */
  static restore(model: Model, snapshot: Uint8Array): Session;
  /** A session at the same place of the same text, with the same settings. */
  clone(): Session;
  /** All that decides how the text goes on. */
  snapshot(): Uint8Array;
  /** Frees its memory now. */
  close(): void;

  readonly model: Model;
  get temperature(): number;
  set temperature(value: number);
  get seed(): bigint;
  set seed(value: number | bigint | string);
  topK: number;
  topP: number;
  minP: number;
  get penalties(): { repetition: number; frequency: number; window: number };
  set penalties(value: { repetition?: number; frequency?: number; window?: number });
  pattern: Pattern | null;
  maxLength: number;
  get stopStrings(): string[];
  set stopStrings(values: Iterable<string>);
  unknown: 'fail' | 'skip' | 'nearest' | string;

  /** What is added to a character's logit; -Infinity bans it. */
  bias(character: Character): number;
  setBias(character: Character, bias: number): void;
  /** Whether the session may generate a character. */
  allows(character: Character): boolean;
  /** Restricts generated text to some characters; '' allows all. */
  setAllowed(characters: string): void;

  /**
   * Chooses the label of the documents that begin from now on, this one if it is at its beginning:
   * a label of a column (of the first, if none is named), null for no label, or a mixture, such as
   * `{ Sports: 0.7, Business: 0.3 }`.
   */
  setLabel(label: string | null | Readonly<Record<string, number>>, column?: string): void;
  /**
   * The probability of each label of a column for a text, if all are equally probable before the
   * text is known. With `whole` its end counts too. The session's own text stays as it is.
   */
  classify(text: string, options?: { column?: string; whole?: boolean }): Record<string, number>;

  /** The next character; null at the end of a text or at a stop string: see `endReason`. */
  next(): Character;
  [Symbol.iterator](): Generator<string, void, void>;
  /** Text up to its end, at most so many characters. */
  generate(maxCharacters: number): string;
  /**
   * Text up to its end in pieces that take about so many milliseconds each. Between them whatever
   * waits has its turn.
   */
  stream(options?: { maxCharacters?: number; milliseconds?: number }): AsyncGenerator<string, void, void>;
  /** Reads text as if it had been generated. */
  feed(text: string): void;
  /** Reads UTF-8 that may be cut inside a character; an empty piece ends the text. */
  feedPiece(bytes: Uint8Array): void;
  /** Reads the end of a document. */
  feedEnd(): void;
  /** Discards all text and restarts the random generator. */
  reset(): void;

  /** Has the session keep what it was before each of its last characters; 0 for none. */
  setUndo(characters: number): void;
  /** The characters that undo() can take back now. */
  readonly undoCount: number;
  /** Takes the last characters back, whether they were fed or generated. */
  undo(characters?: number): void;

  /** Whether the end of a text was generated or read last. */
  readonly ended: boolean;
  /** Why generated text came to its end: one of `EndReason`. */
  readonly endReason: number;
  /** The stop string at which it did, or null. */
  readonly stoppedAt: string | null;
  /** The characters that are held back, since a stop string may begin with them. */
  readonly held: number;
  /** Whether the text so far matches the pattern. */
  readonly mayEnd: boolean;

  /** Reads text, and gives the sum of the natural logarithms of its characters' probabilities. */
  score(text: string, options?: { end?: boolean }): { logProbability: number; characters: number };
  /** Reads text, and gives the logarithm of each character's probability; 0 for skipped ones. */
  scoreCharacters(text: string): Float64Array;
  /** The k likeliest next characters, at temperature 1. */
  likeliest(k: number): { character: Character; probability: number }[];
  probability(character: Character): number;
  logProbability(character: Character): number;
  /**
   * The probabilities of what may come next, at temperature 1: of each of `Model.characters`, then
   * of the unknown symbol and of the end of a document, if the model has them.
   */
  probabilities(): Float32Array;
  logProbabilities(): Float32Array;
  logits(): Float32Array;
}

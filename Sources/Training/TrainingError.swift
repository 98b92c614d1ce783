/// Why a training cannot start or continue.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
    /// A setting is outside its range.
    case invalidSetting(Settings.Name, expected: String)
    /// The corpus has too few symbols for a minibatch to learn from and one to validate with.
    case corpusTooShort(symbols: Int, needed: Int)
    /// No document has enough characters.
    case documentsTooShort(needed: Int)
    /// A document has more windows than a minibatch can have rows.
    case documentTooLong(characters: Int, limit: Int)
    /// The corpus is not the one that the training began with.
    case corpusChanged
    /// A text to validate on cannot be used.
    case invalidValidationText(path: String, String)
    /// The text is to be read a second time, with an initial model's characters, and is a pipe.
    case unreadableTwice
    /// The model to start from has labels, and the text has none.
    case labelsMissing
    /// Documents with labels are to begin from the state of the document before.
    case labelsCarried
    /// The loss is NaN or has leapt, as often as a training may return to an earlier checkpoint.
    case diverged(update: Int)
    /// The folder of a new training has a training already.
    case runExists(path: String)
    /// The training to resume is over: what is done.
    case runFinished(path: String, done: String)
    /// The folder has no training, or not one that can be used.
    case invalidRun(path: String, String)
    /// A checkpoint cannot be read or is not valid.
    case invalidCheckpoint(path: String, String)
    /// A file of a model from elsewhere cannot be used.
    case cannotImport(path: String, String)
    /// A file could not be written: its path and the system's reason.
    case cannotWrite(path: String, reason: String)
    /// One of several ranks cannot train.
    case rankFailed(Int, String)

    public var description: String {
        switch self {
        case .invalidSetting(let name, let expected): "\(name.rawValue) must be \(expected)"
        case .corpusTooShort(let symbols, let needed):
            "the corpus is too short: it has \(counted(symbols, "character")), and these settings need \(needed)"
        case .documentsTooShort(let needed):
            "no document has the \(needed) characters that these settings need"
        case .documentTooLong(let characters, let limit):
            "a document has \(counted(characters, "character")), and windows of one document allow \(limit)"
        case .corpusChanged: "the corpus is not the one this training began with"
        case .invalidValidationText(let path, let reason):
            "cannot validate on '\(FileName.shown(path))': \(reason)"
        case .unreadableTwice:
            "standard input can be read only once, and the initial model has characters that the text lacks"
        case .labelsMissing: "the model to start from has labels, and the text has none"
        case .labelsCarried: "a document with a label begins from the label's state, not from that of another document"
        case .diverged(let update):
            "the loss diverged at update \(update), after several returns to an earlier checkpoint; the last one is kept"
        case .runExists(let path): "cannot use the run '\(path)': it holds a training already"
        case .runFinished(let path, let done): "cannot use the run '\(path)': \(done)"
        case .invalidRun(let path, let reason): "cannot use the run '\(path)': \(reason)"
        case .invalidCheckpoint(let path, let reason): "cannot use the checkpoint '\(path)': \(reason)"
        case .cannotImport(let path, let reason): "cannot import '\(FileName.shown(path))': \(reason)"
        case .cannotWrite(let path, let reason): "cannot write '\(path)': \(reason)"
        case .rankFailed(let rank, let message): "rank \(rank) cannot train: \(message)"
        }
    }
}

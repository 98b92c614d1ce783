/// Why a training cannot start or go on.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
    /// A setting is outside its range: what is right.
    case invalidSetting(Settings.Name, expected: String)
    /// The corpus has fewer symbols than a minibatch to learn from and one to validate with need.
    case corpusTooShort(symbols: Int, needed: Int)
    /// No document has enough characters.
    case documentsTooShort(needed: Int)
    /// A document has more windows than a minibatch can have rows.
    case documentTooLong(characters: Int, limit: Int)
    /// The corpus is not the one that the training began with.
    case corpusChanged
    /// The loss is NaN or infinite.
    case diverged(update: Int)
    /// The folder of a new run has a run already.
    case runExists(path: String)
    /// The run to go on with has gone through all its epochs.
    case runFinished(path: String, epochs: Int)
    /// There is no run to go on with, or it is not what it should be.
    case invalidRun(path: String, String)
    /// A checkpoint is not what it should be.
    case invalidCheckpoint(path: String, String)
    /// A file could not be written: its path and the system's reason.
    case cannotWrite(path: String, reason: String)

    public var description: String {
        switch self {
        case .invalidSetting(let name, let expected): "\(name.rawValue) must be \(expected)"
        case .corpusTooShort(let symbols, let needed):
            "the corpus is too short: it has \(symbols) characters, and these settings need \(needed)"
        case .documentsTooShort(let needed):
            "no document has the \(needed) characters that these settings need"
        case .documentTooLong(let characters, let limit):
            "a document has \(characters) characters, and windows of one document allow \(limit)"
        case .corpusChanged: "the corpus is not the one this training began with"
        case .diverged(let update):
            "the loss is no longer finite at update \(update), and the last checkpoint is kept"
        case .runExists(let path): "cannot use the run '\(path)': it holds a training already"
        case .runFinished(let path, let epochs): "cannot use the run '\(path)': its \(epochs) epochs are done"
        case .invalidRun(let path, let reason): "cannot use the run '\(path)': \(reason)"
        case .invalidCheckpoint(let path, let reason): "cannot use the checkpoint '\(path)': \(reason)"
        case .cannotWrite(let path, let reason): "cannot write '\(path)': \(reason)"
        }
    }
}

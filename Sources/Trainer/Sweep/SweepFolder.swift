import Foundation
import Training

/// What a sweep trains, and how far it is.
struct SweepRecord: Codable, Equatable {
    /// The texts and options of `trainer train` that all trials have.
    let arguments: [String]
    /// The folder that relative names in the arguments start from.
    let directory: String
    /// The SHA-256 hash of the text.
    let sha256: String
    var trials: [Trial]

    init(arguments: [String], directory: String, sha256: String, choices: [[Choice]]) {
        self.arguments = arguments
        self.directory = directory
        self.sha256 = sha256
        trials = choices.enumerated().map { Trial(name: SweepRecord.name($0), choices: $1) }
    }

    private static func name(_ index: Int) -> String { String(format: "%03d", index + 1) }

    /// Whether the names of the trials are those that this type gives them.
    fileprivate var isValid: Bool {
        !trials.isEmpty && trials.enumerated().allSatisfy { $1.name == SweepRecord.name($0) && !$1.choices.isEmpty }
    }

    /// This record with the outcomes of an earlier one, whose trials come first. Trials that failed
    /// are to be tried again.
    ///
    /// - Parameters:
    ///   - keepsStopped: Whether the trials that were stopped are not to be continued.
    ///   - path: The folder, for errors.
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when the earlier one has other options,
    ///   another text, or trials that this one lacks.
    func continuing(_ earlier: SweepRecord, keepsStopped: Bool = true, path: String) throws -> SweepRecord {
        let advice = "repeat its command, continue it with --run alone, or choose another --run"
        guard arguments == earlier.arguments else {
            let common = earlier.arguments.map(Terminal.quoted).joined(separator: " ")
            throw TrainingError.invalidRun(
                path: path, "its trials have the texts and options \(common.onOneLine); \(advice)")
        }
        guard sha256 == earlier.sha256 else {
            throw TrainingError.invalidRun(
                path: path, "its text has changed; restore it, or choose another --run")
        }
        let known = Set(earlier.trials.map(\.choices))
        let requested = Set(trials.map(\.choices))
        if let missing = earlier.trials.first(where: { !requested.contains($0.choices) }) {
            throw TrainingError.invalidRun(
                path: path, "it has a trial of \(missing.choices.words), which --vary does not give; \(advice)")
        }
        let added = trials.map(\.choices).filter { !known.contains($0) }
        var record = SweepRecord(
            arguments: arguments, directory: directory, sha256: sha256,
            choices: earlier.trials.map(\.choices) + added)
        for (index, trial) in earlier.trials.enumerated() {
            switch trial.outcome?.ending {
            case .finished: record.trials[index].outcome = trial.outcome
            case .stopped where keepsStopped: record.trials[index].outcome = trial.outcome
            default: break
            }
        }
        return record
    }
}

/// The folder of a sweep.
///
///     sweep.json      the options, the trials and how they ended
///     001             the folder of the first trial's training
///     001/messages.txt    what it wrote to standard error
struct SweepFolder {
    /// The path as it was given, for messages.
    let shownPath: String
    /// The same folder as an absolute path.
    let path: String

    init(path: String) {
        shownPath = path
        self.path = URL(fileURLWithPath: path).path
    }

    private var recordPath: String { path + "/" + RunFolder.sweepFileName }

    /// The folder of a trial's training.
    func run(of trial: Trial) -> RunFolder { RunFolder(path: path + "/" + trial.name) }

    /// Whether there is nothing in the folder.
    var isEmpty: Bool { (try? FileManager.default.contentsOfDirectory(atPath: path).isEmpty) ?? true }

    /// The record of a sweep; nil if there is none.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when there is one that cannot be read.
    func read() throws -> SweepRecord? {
        guard FileManager.default.fileExists(atPath: recordPath) else { return nil }
        guard let contents = FileManager.default.contents(atPath: recordPath),
            let record = try? JSONDecoder().decode(SweepRecord.self, from: contents), record.isValid
        else {
            throw TrainingError.invalidRun(
                path: shownPath, "its sweep.json is not that of a sweep by this version of chargen")
        }
        return record
    }

    func write(_ record: SweepRecord) throws {
        try AtomicFile.write(try JSON.data(record, isIndented: true) + [0x0A], to: recordPath)
    }
}

import Foundation
import Training

/// Trains the trials of a sweep, several side by side, each in a process of its own.
final class SweepRun {
    /// The time between checks of the processes and their reports, in microseconds.
    private static let interval: UInt32 = 100_000

    private(set) var record: SweepRecord
    private let folder: SweepFolder
    private let options: SweepOptions
    /// The arguments that all trials have, as ArgumentParser gets them.
    private let common: [String]
    private var waiting: [Int]
    private var running: [Int: TrialProcess] = [:]
    /// The trials that have been interrupted because they are hopeless.
    private var hopeless: Set<Int> = []
    private var curves: [Int: LossCurve] = [:]
    /// The size of each running trial's reports when they were last read.
    private var reportSizes: [Int: off_t] = [:]
    /// Whether a message has said that other processes train in the folders of all trials left.
    private var hasWaited = false

    /// - Parameter record: The sweep, with the outcomes of the trials that are over.
    init(_ record: SweepRecord, in folder: SweepFolder, options: SweepOptions) {
        self.record = record
        self.folder = folder
        self.options = options
        common = Arguments.shortened(record.arguments)
        waiting = record.trials.indices.filter { record.trials[$0].outcome == nil }
        for (index, trial) in record.trials.enumerated() {
            guard let outcome = trial.outcome, let parameters = outcome.parameters,
                let reports = try? folder.run(of: trial).reports()
            else { continue }
            curves[index] = LossCurve(reports, parameterCount: parameters)
            curves[index]?.isComplete = outcome.ending == .finished
        }
    }

    /// Trains until all trials are over, or until SIGINT or SIGTERM, at which all are interrupted.
    ///
    /// - Throws: ``TrainingError`` when the record cannot be written or no process can be started.
    func train() throws {
        Interrupt.catchSignals()
        // Where it is ignored, the endings of processes are lost.
        signal(SIGCHLD, SIG_DFL)
        defer { Terminal.showStatus("") }
        while !running.isEmpty || (!waiting.isEmpty && Interrupt.received == nil) {
            if Interrupt.received == nil {
                try startTrials()
            } else {
                for process in running.values { process.interrupt() }
            }
            for (index, process) in running.sorted(by: { $0.key < $1.key }) {
                if let ending = process.ending() { try finish(index, ending) } else { follow(index, process) }
            }
            showStatus()
            usleep(SweepRun.interval)
        }
    }

    private func startTrials() throws {
        // An earlier sweep that was killed may have left trainings that are about to end.
        while running.count < options.jobCount,
            let place = waiting.firstIndex(where: { !folder.run(of: record.trials[$0]).isInUse })
        {
            try start(waiting.remove(at: place))
        }
        if running.isEmpty, let first = waiting.first, !hasWaited {
            hasWaited = true
            Terminal.note("waiting for another process, which trains in \(folder.run(of: record.trials[first]).path)")
        }
    }

    private func start(_ index: Int) throws {
        let trial = record.trials[index]
        let run = folder.run(of: trial)
        let command = try trial.choices.command(with: common)
        let threads = ["--threads", "\(options.threads)"]
        if FileManager.default.fileExists(atPath: run.lastCheckpointPath) {
            // Over, but the sweep ended before it could record that.
            if let checkpoint = try? Checkpoint(path: run.lastCheckpointPath), checkpoint.isFinished {
                return try finish(index, .exited(EXIT_SUCCESS))
            }
            running[index] = try TrialProcess(
                ["resume", run.path] + threads + command.argumentsOfResume, run: run)
        } else {
            mkdir(run.path, 0o777)
            running[index] = try TrialProcess(
                ["train", "--run", run.path] + threads + trial.choices.arguments(with: record.arguments), run: run)
        }
    }

    /// Reads a running trial's reports, if there are new ones, and interrupts it if it is hopeless.
    private func follow(_ index: Int, _ process: TrialProcess) {
        var information = stat()
        guard stat(folder.run(of: record.trials[index]).metricsPath, &information) == 0,
            information.st_size != reportSizes[index]
        else { return }
        reportSizes[index] = information.st_size
        readCurve(index)
        guard options.stopsHopeless, let curve = curves[index] else { return }
        let others = curves.filter { $0.key != index }.values
        guard MedianStopping.isHopeless(curve, among: Array(others)) else { return }
        hopeless.insert(index)
        process.interrupt()
    }

    private func readCurve(_ index: Int) {
        let run = folder.run(of: record.trials[index])
        guard let reports = try? run.reports(),
            let parameterCount = curves[index]?.parameterCount
                ?? (try? Checkpoint(path: run.lastCheckpointPath))?.parameterCount
        else { return }
        curves[index] = LossCurve(reports, parameterCount: parameterCount)
    }

    /// Records how a trial has ended, unless it is to be continued.
    private func finish(_ index: Int, _ ending: TrialProcess.Ending) throws {
        running[index] = nil
        let wasHopeless = hopeless.remove(index) != nil
        guard wasHopeless || !ending.isInterruption || Interrupt.received == nil else { return }
        readCurve(index)
        let trial = record.trials[index]
        let isFinished = ending == .exited(EXIT_SUCCESS)
        let isStopped = wasHopeless && ending.isInterruption
        let curve = curves[index]
        record.trials[index].outcome = Trial.Outcome(
            ending: isFinished ? .finished : isStopped ? .stopped : .failed,
            message: isFinished || isStopped ? nil : ending.reason(folder.run(of: trial)),
            parameters: curve?.parameterCount, validationLoss: curve?.points.last?.loss,
            seconds: curve?.points.last?.seconds, fraction: curve?.points.last?.fraction)
        curves[index]?.isComplete = isFinished
        try folder.write(record)
        Terminal.showStatus("")
        Terminal.note(record.trials[index].sentence)
    }

    private func showStatus() {
        let done = record.trials.count { $0.outcome != nil }
        let trials = running.keys.sorted().map { index -> String in
            let point = curves[index]?.points.last
            let progress = point.map { String(format: " %.0f %% %.3f", 100 * $0.fraction, $0.loss) } ?? ""
            return record.trials[index].name + progress
        }
        let count = "\(done) of \(record.trials.count) trials done"
        Terminal.showStatus(([count] + trials).joined(separator: "; "))
    }
}

extension Trial {
    /// How the trial ended, in words.
    fileprivate var sentence: String {
        let end = [outcome?.remark, outcome?.result].compactMap(\.self).joined(separator: ", ")
        return "\(name) \(choices.words): \(end)"
    }
}

extension Trial.Outcome {
    /// How the trial ended, if not by itself.
    var remark: String? {
        switch ending {
        case .finished: nil
        case .stopped: String(format: "stopped at %.0f %%", 100 * (fraction ?? 0))
        case .failed: "failed: \(message ?? "")".onOneLine
        }
    }

    /// What it reached; nil if it ended before.
    fileprivate var result: String? {
        guard let validationLoss, let seconds, let parameters else { return nil }
        return String(
            format: "loss %.4f, %@ parameters, %@", validationLoss, Terminal.grouped(Double(parameters)),
            Terminal.clock(seconds))
    }
}

extension Train {
    /// The options that `trainer resume` has too, but takes from no checkpoint.
    fileprivate var argumentsOfResume: [String] {
        (output.tensorBoard.map { ["--tensorboard", $0] } ?? []) + ["--sample-length", "\(samples.length)"]
            + (samples.prompt.map { ["--sample-prompt", $0] } ?? [])
    }
}

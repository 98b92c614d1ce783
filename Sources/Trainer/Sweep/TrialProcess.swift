import Foundation
import Training

/// A training in a process of its own, which can fail without harm to others.
final class TrialProcess {
    enum Ending: Equatable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    private let identifier: pid_t
    private var isInterrupted = false

    /// Starts `trainer`.
    ///
    /// The process is in a group of its own, because Ctrl-C would otherwise reach it twice: from
    /// the terminal and from ``interrupt()``. It ends if this process does.
    ///
    /// - Parameters:
    ///   - arguments: Without the name of the program.
    ///   - run: The folder of the training, which exists.
    /// - Throws: ``TrainingError/invalidRun(path:_:)``.
    init(_ arguments: [String], run: RunFolder) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, run.messagesPath, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)

        var variables = ProcessInfo.processInfo.environment
        variables[Interrupt.parentVariable] = "\(getpid())"
        var environment = variables.map { strdup("\($0)=\($1)") } + [nil]
        var words = ([Terminal.programName] + arguments).map { strdup(FileName.cString($0)) } + [nil]
        defer { for pointer in environment + words { free(pointer) } }
        var process: pid_t = 0
        // This program, even if its file has been replaced since.
        let error = posix_spawn(&process, "/proc/self/exe", &actions, &attributes, &words, &environment)
        guard error == 0 else {
            throw TrainingError.invalidRun(
                path: run.path, "its training does not start: \(String(cString: strerror(error)))")
        }
        identifier = process
    }

    /// Has the training end after the current update and a checkpoint.
    func interrupt() {
        // A second signal would end the process before the checkpoint.
        guard !isInterrupted else { return }
        isInterrupted = true
        kill(identifier, SIGTERM)
    }

    /// How the process has ended; nil if it is still running. After an ending it must not be called
    /// again.
    func ending() -> Ending? {
        var status: Int32 = 0
        let process = waitpid(identifier, &status, WNOHANG)
        guard process != 0 else { return nil }
        guard process > 0 else { return .exited(EXIT_FAILURE) }
        let signal = status & 0x7F
        return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
    }
}

extension TrialProcess.Ending {
    /// Whether ``TrialProcess/interrupt()`` was the reason.
    var isInterruption: Bool { self == .exited(128 + SIGTERM) || self == .killed(signal: SIGTERM) }

    /// Why the training in a folder failed: its last error, or its status.
    func reason(_ run: RunFolder) -> String {
        let contents = FileManager.default.contents(atPath: run.messagesPath) ?? Data()
        let lines = String(decoding: contents, as: UTF8.self).split(separator: "\n")
        let prefix = "Error: "
        if let error = lines.last(where: { $0.hasPrefix(prefix) }) { return String(error.dropFirst(prefix.count)) }
        switch self {
        case .exited(let status): return "it ended with status \(status)"
        case .killed(let signal): return "it was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
        }
    }
}

extension RunFolder {
    /// What a trial's training writes to standard error.
    fileprivate var messagesPath: String { path + "/messages.txt" }
}

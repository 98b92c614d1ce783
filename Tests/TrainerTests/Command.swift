import Foundation

/// The built `trainer`, run as a user runs it.
struct Command {
    struct Result {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs `trainer` and waits for it.
    ///
    /// - Parameter preparation: What the shell does first, such as `ulimit -f 8` for files of 8 KiB
    ///   at most.
    static func trainer(
        _ arguments: String..., input: String? = nil, in folder: URL, after preparation: String = ":"
    ) throws -> Result {
        try trainer(arguments, input: input, in: folder, after: preparation)
    }

    static func trainer(
        _ arguments: [String], input: String? = nil, in folder: URL, after preparation: String = ":"
    ) throws -> Result {
        let process = try start(arguments, in: folder, after: preparation, input: input)
        // Both pipes are files, so that neither can fill up and block.
        process.waitUntilExit()
        return try result(of: process, in: folder)
    }

    /// The result of a process that ``start(_:in:after:input:output:)`` has started and that
    /// has ended.
    static func result(of process: Process, in folder: URL) throws -> Result {
        Result(
            status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
            output: try String(contentsOf: folder.appendingPathComponent("stdout"), encoding: .utf8),
            errors: try String(contentsOf: folder.appendingPathComponent("stderr"), encoding: .utf8))
    }

    /// Runs `trainer` on a terminal, and returns what it writes to standard output and standard
    /// error. The terminal writes line feeds as CR LF.
    static func terminal(_ arguments: [String], in folder: URL) throws -> String {
        let process = try start(
            arguments, in: folder,
            after: #"exec python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$0" "$@""#)
        process.waitUntilExit()
        return try result(of: process, in: folder).output
    }

    /// Starts `trainer` and returns at once.
    static func start(
        _ arguments: [String], in folder: URL, after preparation: String = ":", input: String? = nil,
        output: String? = nil
    ) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", preparation + "; exec \"$0\" \"$@\"", executable] + arguments
        process.currentDirectoryURL = folder
        if let output {
            process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        } else {
            process.standardOutput = try file("stdout", in: folder)
        }
        process.standardError = try file("stderr", in: folder)
        if let input {
            try input.write(to: folder.appendingPathComponent("stdin"), atomically: true, encoding: .utf8)
            process.standardInput = try FileHandle(forReadingFrom: folder.appendingPathComponent("stdin"))
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        try process.run()
        return process
    }

    private static func file(_ name: String, in folder: URL) throws -> FileHandle {
        let url = folder.appendingPathComponent(name)
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    /// `trainer`, which is built beside the tests.
    static var executable: String {
        let tests = Bundle.allBundles.map(\.bundlePath).first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("trainer").path
    }
}

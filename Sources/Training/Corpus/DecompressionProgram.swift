import Foundation

/// The contents of a compressed file, by a program that decompresses its standard input with `-dc`.
final class DecompressionProgram: ByteStream {
    private let name: String
    private let file: InputFile
    private let output: Int32
    private var process: pid_t?

    init(_ name: String, _ file: InputFile) throws {
        guard file.rewind() else {
            throw CorpusError.unreadable(
                file: file.path,
                reason: "it is a pipe of \(name)-compressed data; decompress it before, with `\(name) -dc`")
        }
        self.name = name
        self.file = file
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw InputFile.failure(file.path) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        output = ends[0]

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, file.descriptor, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var arguments = [strdup(name), strdup("-dc"), nil]
        defer { for argument in arguments { free(argument) } }
        // The program takes no options from variables such as XZ_OPT.
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var process: pid_t = 0
        let error = posix_spawnp(&process, name, &actions, nil, &arguments, &environment)
        guard error == 0 else {
            let reason = error == ENOENT ? "is not installed" : "does not start: \(String(cString: strerror(error)))"
            throw CorpusError.unreadable(
                file: file.path, reason: "it is compressed with \(name), and the program '\(name)' \(reason)")
        }
        self.process = process
    }

    deinit {
        // Ends a program that is still writing.
        close(output)
        if process != nil { _ = status() }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while process != nil {
            let count = Foundation.read(output, buffer.baseAddress, buffer.count)
            if count > 0 { return count }
            if count < 0, errno == EINTR { continue }
            guard count == 0 else { throw InputFile.failure(file.path) }
            let status = status()
            // Of gzip, 2 is a warning: the data is complete, and followed by other bytes.
            guard name != "gzip" || status != 2 << 8 else {
                throw CorpusError.unreadable(
                    file: file.path,
                    reason: "its gzip data is followed by other bytes; leave them out with: "
                        + "gzip -dcq < input.gz > output.txt")
            }
            guard status == 0 else {
                throw CorpusError.unreadable(file: file.path, reason: "its \(name) data is damaged or cut off")
            }
        }
        return 0
    }

    /// Waits for the program's end and returns its status as `waitpid` has it, 0 for success.
    private func status() -> Int32 {
        guard let process else { return 0 }
        self.process = nil
        var status: Int32 = -1
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }
}

import Core
import Foundation
import Training

/// Standard output and standard error, which may or may not be a terminal.
enum Terminal {
    static let outputIsTerminal = isatty(STDOUT_FILENO) != 0
    static let errorIsTerminal = isatty(STDERR_FILENO) != 0

    /// Writes to standard output without a buffer, and adds no line feed. On a terminal control
    /// characters are made visible.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)``, on a full disk for instance.
    static func write(_ text: String) throws {
        do throws(SystemError) {
            try write(outputIsTerminal ? text.visible : text, to: STDOUT_FILENO)
        } catch {
            throw TrainingError.cannotWrite(path: "standard output", reason: error.reason)
        }
    }

    private static func write(_ text: String, to descriptor: Int32) throws(SystemError) {
        let bytes = Array(text.utf8)
        // Typed errors do not pass through withUnsafeBytes.
        try bytes.withUnsafeBytes { bytes in
            Result { () throws(SystemError) in try writeFully(bytes, to: descriptor) }
        }.get()
    }

    /// Opens `/dev/null` in place of standard streams that are closed, so that no other file gets
    /// their numbers. Reading from and writing to them still fails.
    static func reserveDescriptors() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Has a reader that has closed its end of standard output be an error like a full disk, for
    /// commands whose work is not what they print.
    static func ignoreClosedOutput() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Writes a line to standard error; failures are ignored. On a terminal control characters are
    /// made visible.
    static func note(_ line: String) {
        try? write((errorIsTerminal ? line.visible : line) + "\n", to: STDERR_FILENO)
    }

    /// Shows a line that the next one replaces, if standard error is a terminal.
    static func showStatus(_ line: String) {
        guard errorIsTerminal else { return }
        // Carriage return, then the control sequence that erases the line.
        try? write("\r\u{1B}[K" + line.prefix(width - 1), to: STDERR_FILENO)
    }

    /// The columns of the terminal on standard error. A longer line wraps, and cannot be replaced.
    static var width: Int {
        var size = winsize()
        return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1 ? Int(size.ws_col) : 80
    }

    /// The name that this program was called by, for commands in messages.
    static var programName: String { CommandLine.arguments.first ?? "trainer" }

    /// An argument, such as a path, quoted for a shell if necessary.
    static func quoted(_ argument: String) -> String {
        let plain = !argument.isEmpty && argument.allSatisfy { $0.isLetter || $0.isNumber || "/._-+=".contains($0) }
        return plain ? argument : "'" + argument.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }

    /// A duration such as `1:02:03` or `04:05`.
    static func clock(_ seconds: Double) -> String {
        let whole = Int(max(0, min(seconds, 359_999)))
        let minutes = String(format: "%02d:%02d", whole / 60 % 60, whole % 60)
        return whole < 3600 ? minutes : "\(whole / 3600):\(minutes)"
    }

    /// A number with separators for thousands.
    static func grouped(_ number: Double) -> String {
        let formatter = NumberFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.numberStyle = .decimal
        formatter.maximumFractionDigits = 0
        return formatter.string(from: NSNumber(value: number)) ?? "\(Int(number))"
    }
}

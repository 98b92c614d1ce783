import Foundation

/// Standard output and standard error, which may or may not be a terminal.
enum Terminal {
    static let outputIsTerminal = isatty(STDOUT_FILENO) != 0
    static let errorIsTerminal = isatty(STDERR_FILENO) != 0

    /// Writes to standard output at once, without a line break.
    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data(text.utf8))
    }

    /// Writes a line to standard error.
    static func note(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    /// Shows a line that the next one replaces, if standard error is a terminal.
    static func showStatus(_ line: String) {
        guard errorIsTerminal else { return }
        // Back to the start of the line; erase what was there.
        FileHandle.standardError.write(Data(("\r\u{1B}[K" + line).utf8))
    }

    /// A duration such as `1:02:03` or `4:05`.
    static func clock(_ seconds: Double) -> String {
        let whole = Int(min(seconds, 359_999))
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

import CSupport
import Foundation

/// Sizes of compressed texts, in bytes.
enum Compression {
    /// The size with `zstd -19`; nil if memory is lacking.
    static func zstd(_ text: [UInt8]) -> Int? {
        var compressed = [UInt8](repeating: 0, count: ZSTD_compressBound(text.count))
        let size = ZSTD_compress(&compressed, compressed.count, text, text.count, 19)
        return ZSTD_isError(size) == 0 ? size : nil
    }

    /// The size with `xz -9`; nil if the program is not there or fails.
    static func xz(_ text: [UInt8]) -> Int? {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("chargen-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        guard (try? Data(text).write(to: file)) != nil, let input = try? FileHandle(forReadingFrom: file) else {
            return nil
        }
        let output = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["xz", "-9", "--threads=1", "--stdout"]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let size = (try? output.fileHandleForReading.readToEnd())?.count ?? 0
        process.waitUntilExit()
        return process.terminationStatus == 0 ? size : nil
    }
}

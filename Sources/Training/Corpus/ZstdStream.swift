import CSupport

/// The contents of a file of zstd frames.
final class ZstdStream: ByteStream {
    private let file: InputFile
    private let decoder: OpaquePointer
    private var input = [UInt8](repeating: 0, count: ZSTD_DStreamInSize())
    /// The bytes of `input` that are not yet decoded.
    private var pending = 0..<0
    private var isBetweenFrames = true
    private var hasFrame = false
    /// Whether the decoder may hold more of the contents.
    private var isOutputFull = false

    init(_ file: InputFile) throws {
        guard let decoder = ZSTD_createDStream() else {
            throw CorpusError.unreadable(file: file.path, reason: "not enough memory for decompressing it")
        }
        self.file = file
        self.decoder = decoder
    }

    deinit {
        ZSTD_freeDStream(decoder)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
        while output.pos == 0 {
            if pending.isEmpty, !isOutputFull {
                pending = 0..<(try input.withUnsafeMutableBytes { try file.read(into: $0) })
                if pending.isEmpty {
                    guard isBetweenFrames else {
                        throw CorpusError.unreadable(file: file.path, reason: "its zstd data is cut off")
                    }
                    return 0
                }
            }
            let rest = input.withUnsafeBytes { bytes in
                var source = ZSTD_inBuffer(src: bytes.baseAddress, size: pending.upperBound, pos: pending.lowerBound)
                defer { pending = source.pos..<pending.upperBound }
                return ZSTD_decompressStream(decoder, &output, &source)
            }
            guard ZSTD_isError(rest) == 0 else {
                guard !hasFrame || !isBetweenFrames else {
                    throw CorpusError.unreadable(
                        file: file.path, reason: "its zstd data is followed by other bytes; remove them")
                }
                throw CorpusError.unreadable(
                    file: file.path, reason: "its zstd data is damaged: \(String(cString: ZSTD_getErrorName(rest)))")
            }
            isBetweenFrames = rest == 0
            hasFrame = hasFrame || isBetweenFrames
            isOutputFull = output.pos == output.size
        }
        return output.pos
    }
}

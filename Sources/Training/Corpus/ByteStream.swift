/// Bytes that can be read once, in order.
protocol ByteStream: AnyObject {
    /// Reads at least one byte, or none at the end.
    ///
    /// - Throws: ``CorpusError``.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

extension ByteStream {
    /// Passes the bytes through `body` in chunks of about 1 MiB.
    ///
    /// - Parameters:
    ///   - tally: Updated with every byte read.
    ///   - body: Takes the bytes that are not yet consumed, their offset, and whether the stream
    ///     ends with them; returns how many it has consumed. It gets the others again with the next
    ///     chunk. The first call has at least 4 KiB, if there are so many; the last may have none.
    func readChunks(
        tally: inout ByteTally,
        _ body: (_ bytes: UnsafeRawBufferPointer, _ offset: Int, _ isLast: Bool) throws -> Int
    ) throws {
        let chunkSize = 1 << 20
        let beginning = 4096
        // Not zeroed: memory that a small file leaves unused costs nothing.
        var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkSize, alignment: 16)
        defer { buffer.deallocate() }
        var held = 0
        var offset = 0
        while true {
            if buffer.count - held < chunkSize / 2 {
                let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * buffer.count, alignment: 16)
                larger.copyMemory(from: .init(rebasing: buffer[..<held]))
                buffer.deallocate()
                buffer = larger
            }
            var count = 0
            var isLast = false
            repeat {
                let added = try read(into: .init(rebasing: buffer[(held + count)...]))
                isLast = added == 0
                count += added
            } while !isLast && offset + held + count < beginning
            tally.update(.init(rebasing: buffer[held..<held + count]))
            held += count
            let consumed = try body(.init(rebasing: buffer[..<held]), offset, isLast)
            if isLast { return }
            held -= consumed
            offset += consumed
            buffer.copyMemory(from: .init(rebasing: buffer[consumed..<consumed + held]))
        }
    }
}

import Core

extension ModelFile {
    /// The element type of a tensor.
    ///
    /// - Parameter index: Its index in ``ModelShape/tensor(_:)``'s order.
    public func elementType(_ index: Int) -> ElementType {
        tensors[index].elementType
    }

    /// Decompresses a tensor.
    ///
    /// - Parameters:
    ///   - index: Its index in ``ModelShape/tensor(_:)``'s order.
    ///   - buffer: Memory made for this file.
    /// - Throws: `invalidModel` if its checksum, its length or a value is wrong; `outOfMemory`.
    /// - Complexity: O(elements), about a nanosecond each.
    public func readTensor(_ index: Int, into buffer: TensorBuffer) throws(ChargenError) {
        let tensor = shape.tensor(index)
        let type = elementType(index)
        try decompressTensor(index, into: buffer)
        let planes = UnsafePointer(buffer.payload.pointer)
        let scales = type.scaleCount(of: tensor)
        switch type {
        case .float32:
            let isFinite = joinFloat32(planes, count: tensor.count, into: buffer.floats.pointer)
            try check(isFinite, "a value that is not finite", in: index)
        case .bfloat16:
            let isFinite = joinBFloat16(planes, count: tensor.count, into: buffer.floats.pointer)
            try check(isFinite, "a value that is not finite", in: index)
        case .int8:
            _ = joinFloat32(planes, count: scales, into: buffer.scales.pointer)
            try check(
                areScales(buffer.scales.pointer, count: scales, allowingSigns: false),
                "a scale that is negative or not less than 2^121", in: index)
            let inRange = copyInt8(planes + 4 * scales, count: tensor.count, into: buffer.integers.pointer)
            try check(inRange, "the value -128", in: index)
        case .int4:
            _ = joinBFloat16(planes, count: scales, into: buffer.scales.pointer)
            try check(
                areScales(buffer.scales.pointer, count: scales, allowingSigns: true),
                "a scale that is not between -2^121 and 2^121", in: index)
            let isPadded = unpackInt4(
                planes + 2 * scales, rows: tensor.rows, columns: tensor.columns, into: buffer.integers.pointer)
            try check(isPadded, "a value beyond the last column", in: index)
        }
    }

    /// Decompresses a tensor's bytes into the buffer's `payload`.
    private func decompressTensor(_ index: Int, into buffer: TensorBuffer) throws(ChargenError) {
        let entry = tensors[index]
        let tensor = shape.tensor(index)
        let compressed = UnsafeRawBufferPointer(rebasing: bytes[entry.offset..<entry.offset + entry.compressedLength])
        try check(crc.checksum(compressed) == entry.checksum, "checksum mismatch", in: index)
        let expected = entry.elementType.payloadLength(of: tensor)
        let isWhole = buffer.decoder.decompress(
            compressed, into: UnsafeMutableBufferPointer(start: buffer.payload.pointer, count: expected))
        guard isWhole else {
            throw invalidModel("tensor \(tensor.name): not one zstd frame of \(expected) bytes", at: entry.offset)
        }
    }

    private func check(_ condition: Bool, _ fault: StaticString, in index: Int) throws(ChargenError) {
        guard condition else {
            throw invalidModel("tensor \(shape.tensor(index).name): \(fault)", at: tensors[index].offset)
        }
    }
}

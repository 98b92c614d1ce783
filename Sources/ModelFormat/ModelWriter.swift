import CSupport

extension ModelFile {
    /// The bytes of a `.cgw` file.
    ///
    /// - Parameters:
    ///   - provenance: A JSON object.
    ///   - tensors: The elements of each tensor, row after row, in ``ModelShape/tensor(_:)``'s order.
    ///   - compressionLevel: zstd's, from 1, the fastest, to 22, the smallest.
    /// - Throws: `invalidArgument` when the parts do not fit each other, exceed the format's limits, or hold a value
    ///   that is not finite.
    public static func encode(
        shape: ModelShape, vocabulary: Vocabulary, provenance: String, tensors: [[Float]],
        compressionLevel: Int32 = 19
    ) throws(ModelError) -> [UInt8] {
        let limit = ModelShape.maximum
        guard (1...limit.layers).contains(shape.layers), (1...limit.hiddenSize).contains(shape.hiddenSize),
            (1...limit.vocabularySize).contains(shape.vocabularySize), !vocabulary.characters.isEmpty
        else {
            throw ModelError(
                .invalidArgument,
                "a model file holds 1 to \(limit.layers) layers, a hidden size of 1 to \(limit.hiddenSize), and 1 to "
                    + "\(limit.vocabularySize) symbols, one of them a character")
        }
        guard provenance.utf8.count <= FileLayout.maximumProvenanceLength else {
            throw ModelError(
                .invalidArgument,
                "the provenance has \(provenance.utf8.count) bytes, more than \(FileLayout.maximumProvenanceLength)")
        }
        guard shape.vocabularySize == vocabulary.count, tensors.count == shape.tensorCount else {
            throw ModelError(
                .invalidArgument,
                "the shape wants \(shape.vocabularySize) symbols and \(shape.tensorCount) tensors, not "
                    + "\(vocabulary.count) and \(tensors.count)")
        }
        let crc = CRC32()
        var directory: [UInt8] = []
        var data: [UInt8] = []
        for (index, elements) in tensors.enumerated() {
            let tensor = shape.tensor(index)
            guard elements.count == tensor.count, elements.allSatisfy({ $0.isFinite }) else {
                throw ModelError(
                    .invalidArgument, "tensor \(tensor.name) needs \(tensor.count) values, all of them finite")
            }
            let frame = try compressed(bytePlanes(of: elements), level: compressionLevel)
            directory.append(ElementType.float32.rawValue)
            directory.append(frame.withUnsafeBytes { crc.checksum($0) })
            directory.append(UInt64(frame.count))
            data += frame
        }

        var header = FileLayout.magic
        let headerLength =
            FileLayout.fixedLength + 4 * vocabulary.characters.count + provenance.utf8.count + directory.count
            + FileLayout.checksumLength
        let size = shape.parameterCount * MemoryLayout<Float>.size
        guard size <= FileLayout.maximumExpansion * (headerLength + data.count) else {
            throw ModelError(
                .invalidArgument,
                "the weights repeat themselves: \(size) bytes would be \(headerLength + data.count), less than "
                    + "1/\(FileLayout.maximumExpansion), which readers refuse")
        }
        header.append(FileLayout.version)
        header.append(UInt32(headerLength))
        header.append(UInt64(headerLength + data.count))
        header.append(shape.cell.rawValue)
        header.append(UInt32(shape.layers))
        header.append(UInt32(shape.hiddenSize))
        header.append(UInt32(vocabulary.characters.count))
        header.append(UInt32(vocabulary.hasEndOfDocument ? 1 : 0))
        header.append(UInt32(provenance.utf8.count))
        for character in vocabulary.characters { header.append(character) }
        header += provenance.utf8
        header += directory
        header.append(header.withUnsafeBytes { crc.checksum($0) })
        return header + data
    }

    /// The elements' bytes, all the lowest first, then all the second …: the exponents, which are much alike, lie
    /// together, and zstd finds what they share.
    private static func bytePlanes(of elements: [Float]) -> [UInt8] {
        var planes = [UInt8](repeating: 0, count: 4 * elements.count)
        for (index, element) in elements.enumerated() {
            for plane in 0..<4 {
                planes[plane * elements.count + index] = UInt8(
                    truncatingIfNeeded: element.bitPattern >> UInt32(8 * plane))
            }
        }
        return planes
    }

    private static func compressed(_ bytes: [UInt8], level: Int32) throws(ModelError) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
        let length = ZSTD_compress(&frame, frame.count, bytes, bytes.count, level)
        guard ZSTD_isError(length) == 0 else {
            throw ModelError(.outOfMemory, "out of memory for compressing a tensor")
        }
        return Array(frame[..<length])
    }
}

extension [UInt8] {
    /// Appends an integer's bytes, the lowest first.
    fileprivate mutating func append<Integer: FixedWidthInteger>(_ value: Integer) {
        for shift in stride(from: 0, to: Integer.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> Integer(shift)))
        }
    }
}

// libchargen.so does not write models.
#if !hasFeature(Embedded)
    import CSupport
    import Core

    extension ModelFile {
        /// The bytes of a `.cgw` file.
        ///
        /// - Parameters:
        ///   - labels: Those of the shape's ``ModelShape/labelCount``; nil for none.
        ///   - provenance: A JSON object.
        ///   - tensors: The elements of each tensor, in ``ModelShape/tensor(_:)``'s order.
        /// - Throws: `invalidArgument` if the arguments do not match each other, exceed the
        ///   format's limits, or hold a value that a reader refuses.
        public static func encode(
            shape: ModelShape, vocabulary: Vocabulary, labels: Labels? = nil, provenance: String,
            tensors: [EncodedTensor]
        ) throws(ChargenError) -> [UInt8] {
            let limit = ModelShape.maximum
            guard (1...limit.layers).contains(shape.layers), (1...limit.hiddenSize).contains(shape.hiddenSize),
                (1...limit.vocabularySize).contains(shape.vocabularySize), !vocabulary.characters.isEmpty
            else {
                throw ChargenError(
                    .invalidArgument,
                    "a model file holds 1 to \(limit.layers) layers, a hidden size of 1 to \(limit.hiddenSize), and 1 to "
                        + "\(limit.vocabularySize) symbols, one of them a character")
            }
            try checkLength(of: provenance)
            guard shape.vocabularySize == vocabulary.count, tensors.count == shape.tensorCount else {
                throw ChargenError(
                    .invalidArgument,
                    "the shape wants \(shape.vocabularySize) symbols and \(shape.tensorCount) tensors, not "
                        + "\(vocabulary.count) and \(tensors.count)")
            }
            guard shape.labelCount == labels?.count ?? 0, labels == nil || !vocabulary.carriesDocuments else {
                throw ChargenError(
                    .invalidArgument,
                    "the shape wants \(shape.labelCount) labels, and documents that begin from their states")
            }
            let labelBytes = labels.map(encoded) ?? []
            let crc = CRC32()
            var directory: [UInt8] = []
            var data: [UInt8] = []
            var size = 0
            for (index, encoded) in tensors.enumerated() {
                let tensor = shape.tensor(index)
                guard encoded.isValid(for: tensor) else {
                    throw ChargenError(
                        .invalidArgument,
                        "tensor \(tensor.name) needs \(EncodedTensor.requirement(encoded.elementType, for: tensor))")
                }
                let recurrentType = tensors[ModelShape.firstRecurrentMatrix].elementType
                guard !tensor.isRecurrentMatrix || encoded.elementType == recurrentType else {
                    throw ChargenError(
                        .invalidArgument,
                        "tensor \(tensor.name) needs the element type of rnn.weight_hh_l0, \(recurrentType.name)")
                }
                let frame = try compressed(encoded.planes(columns: tensor.columns))
                size += encoded.elementType.unpackedLength(of: tensor)
                directory.append(encoded.elementType.rawValue)
                directory.append(frame.withUnsafeBytes { crc.checksum($0) })
                directory.append(UInt64(frame.count))
                data += frame
            }

            var header = FileLayout.magic
            let headerLength =
                FileLayout.fixedLength + 4 * vocabulary.characters.count + labelBytes.count + provenance.utf8.count
                + directory.count + FileLayout.checksumLength
            guard size / FileLayout.maximumExpansion < headerLength + data.count else {
                throw ChargenError(
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
            let endOfDocument: UInt32 = vocabulary.hasEndOfDocument ? vocabulary.carriesDocuments ? 2 : 1 : 0
            header.append(
                endOfDocument + (vocabulary.hasUnknown ? FileLayout.unknownFlag : 0)
                    + (labels == nil ? 0 : FileLayout.labelsFlag))
            header.append(UInt32(provenance.utf8.count))
            for character in vocabulary.characters { header.append(character) }
            header += labelBytes
            header += provenance.utf8
            header += directory
            header.append(header.withUnsafeBytes { crc.checksum($0) })
            return header + data
        }

        /// A file with another provenance.
        ///
        /// - Parameter file: A file that ``encode(shape:vocabulary:provenance:tensors:)`` wrote.
        /// - Throws: `invalidArgument` if the provenance is too long.
        public static func replacingProvenance(of file: [UInt8], with provenance: String) throws(ChargenError)
            -> [UInt8]
        {
            try checkLength(of: provenance)
            func number(at offset: Int) -> Int {
                (0..<4).reduce(0) { $0 | Int(file[offset + $1]) << (8 * $1) }
            }
            let oldLength = number(at: FileLayout.provenanceLengthOffset)
            let growth = provenance.utf8.count - oldLength
            let headerLength = number(at: FileLayout.headerLengthOffset)
            var header = Array(file[..<(headerLength - FileLayout.checksumLength)])
            header.set(UInt32(headerLength + growth), at: FileLayout.headerLengthOffset)
            header.set(UInt64(file.count + growth), at: FileLayout.fileLengthOffset)
            header.set(UInt32(provenance.utf8.count), at: FileLayout.provenanceLengthOffset)
            let labels = FileLayout.fixedLength + 4 * number(at: FileLayout.characterCountOffset)
            var start = labels
            if UInt32(number(at: FileLayout.specialSymbolsOffset)) & FileLayout.labelsFlag != 0 {
                let text = labels + 4 * (1 + number(at: labels))
                start = text + 4 + number(at: text)
            }
            header.replaceSubrange(start..<start + oldLength, with: provenance.utf8)
            header.append(header.withUnsafeBytes { CRC32().checksum($0) })
            return header + file[headerLength...]
        }

        /// The names of labels as a header has them.
        private static func encoded(_ labels: Labels) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.append(UInt32(labels.counts.count))
            for count in labels.counts { bytes.append(UInt32(count)) }
            bytes.append(UInt32(labels.text.count))
            return bytes + labels.text
        }

        private static func checkLength(of provenance: String) throws(ChargenError) {
            guard provenance.utf8.count <= FileLayout.maximumProvenanceLength else {
                throw ChargenError(
                    .invalidArgument,
                    "the provenance has \(provenance.utf8.count) bytes, more than \(FileLayout.maximumProvenanceLength)"
                )
            }
        }

        /// One zstd frame of all planes.
        ///
        /// Each plane begins a new block, so that zstd's entropy codes fit the plane. The low bytes
        /// are noise and the highest are not, so this saves more than a high compression level,
        /// which would take a hundred times as long.
        private static func compressed(_ planes: [[UInt8]]) throws(ChargenError) -> [UInt8] {
            var length = 0
            for plane in planes { length += plane.count }
            // Each flush ends a block, whose header has three bytes.
            var frame = [UInt8](repeating: 0, count: ZSTD_compressBound(length) + 3 * planes.count)
            guard let context = ZSTD_createCCtx() else { throw noMemory() }
            defer { ZSTD_freeCCtx(context) }
            ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1)
            ZSTD_CCtx_setPledgedSrcSize(context, UInt64(length))
            var written = 0
            for (index, plane) in planes.enumerated() {
                let directive = index == planes.count - 1 ? ZSTD_e_end : ZSTD_e_flush
                let left = frame.withUnsafeMutableBytes { frame in
                    plane.withUnsafeBytes { plane in
                        var output = ZSTD_outBuffer(dst: frame.baseAddress, size: frame.count, pos: written)
                        var input = ZSTD_inBuffer(src: plane.baseAddress, size: plane.count, pos: 0)
                        let left = ZSTD_compressStream2(context, &output, &input, directive)
                        written = output.pos
                        return left
                    }
                }
                // Anything other than 0 is an error, because the frame has room for all output.
                guard left == 0 else { throw noMemory() }
            }
            return Array(frame[..<written])
        }

        private static func noMemory() -> ChargenError {
            ChargenError(.outOfMemory, "not enough memory for compressing a tensor")
        }
    }

    extension [UInt8] {
        /// Appends an integer's bytes, the lowest first.
        fileprivate mutating func append<Integer: FixedWidthInteger>(_ value: Integer) {
            for shift in stride(from: 0, to: Integer.bitWidth, by: 8) {
                append(UInt8(truncatingIfNeeded: value >> Integer(shift)))
            }
        }

        /// Replaces an integer's bytes.
        fileprivate mutating func set<Integer: FixedWidthInteger>(_ value: Integer, at offset: Int) {
            for index in 0..<Integer.bitWidth / 8 {
                self[offset + index] = UInt8(truncatingIfNeeded: value >> Integer(8 * index))
            }
        }
    }
#endif

import Core
import Foundation
import ModelFormat

/// A safetensors file of floats: named tensors and a table of strings.
///
/// The format is Hugging Face's (github.com/huggingface/safetensors): the length of a JSON header
/// as a 64-bit little-endian integer, the header, the tensors' bytes without gaps. A checkpoint has
/// a checksum under the name `crc32` in its table of strings, as a string of eight hexadecimal
/// digits: the CRC-32 of all its bytes but those digits.
struct Safetensors {
    /// A tensor: its shape, and its elements row after row.
    struct Tensor: Equatable {
        var shape: [Int]
        var elements: [Float]
    }

    /// Why bytes are not such a file.
    struct FormatError: Error {
        let reason: String
    }

    var tensors: [String: Tensor] = [:]
    /// The types of tensors that are not floats, which are not read, such as `I64`.
    private(set) var otherTypes: [String: String] = [:]
    var metadata: [String: String] = [:]

    private struct Entry: Codable {
        let dtype: String
        let shape: [Int]
        let offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private static let metadataName = "__metadata__"
    private static let checksumName = "crc32"
    private static let checksumLength = 8
    private static let crc = CRC32()

    // MARK: - Writing

    /// A tensor to be written: its shape, and what copies its elements to their place in the file.
    struct Source {
        let shape: [Int]
        let copy: (UnsafeMutableBufferPointer<Float>) -> Void

        fileprivate var count: Int { shape.reduce(1, *) }
    }

    private struct Header: Encodable {
        let sources: [(name: String, source: Source)]
        let metadata: [String: String]
        let hasChecksum: Bool

        func encode(to encoder: Encoder) throws {
            var container = encoder.container(keyedBy: Name.self)
            let digits = String(repeating: "0", count: checksumLength)
            let metadata = hasChecksum ? metadata.merging([checksumName: digits]) { $1 } : metadata
            if !metadata.isEmpty { try container.encode(metadata, forKey: Name(stringValue: metadataName)) }
            var offset = 0
            for (name, source) in sources {
                let end = offset + source.count * 4
                let entry = Entry(dtype: "F32", shape: source.shape, offsets: [offset, end])
                try container.encode(entry, forKey: Name(stringValue: name))
                offset = end
            }
        }
    }

    /// The bytes of a file, the same for the same contents. The tensors are copied only once.
    ///
    /// - Throws: `ChargenError` if there is not enough memory for them.
    static func encode(
        _ sources: [String: Source], metadata: [String: String], hasChecksum: Bool = true
    ) throws -> Data {
        let sources = sources.map { (name: $0, source: $1) }.sorted { $0.name < $1.name }
        var header = try JSON.data(Header(sources: sources, metadata: metadata, hasChecksum: hasChecksum))
        // The tensors begin at a multiple of eight bytes.
        while header.count % 8 != 0 { header.append(0x20) }
        let start = 8 + header.count
        let size = sources.reduce(start) { $0 + $1.source.count * 4 }
        // `Data` would end the process if there is not enough memory.
        let buffer = try AlignedBuffer<UInt8>(count: size, for: "a checkpoint")
        let bytes = UnsafeMutableRawBufferPointer(buffer.elements)
        bytes.storeBytes(of: UInt64(header.count).littleEndian, as: UInt64.self)
        bytes[8..<start].copyBytes(from: header)
        var place = start
        for (_, source) in sources {
            let end = place + source.count * 4
            source.copy(UnsafeMutableRawBufferPointer(rebasing: bytes[place..<end]).bindMemory(to: Float.self))
            place = end
        }
        if let place = Safetensors.checksumPlace(header) {
            let digits = Safetensors.checksum(UnsafeRawBufferPointer(bytes), apartFrom: place)
            bytes[place].copyBytes(from: digits.utf8)
        }
        return Data(
            bytesNoCopy: buffer.pointer, count: size,
            deallocator: .custom { _, _ in withExtendedLifetime(buffer) {} })
    }

    /// The file's bytes.
    ///
    /// - Throws: `ChargenError` if there is not enough memory for them.
    func encoded(hasChecksum: Bool = true) throws -> Data {
        let sources = tensors.mapValues { tensor in
            Source(shape: tensor.shape) { _ = $0.update(fromContentsOf: tensor.elements) }
        }
        return try Safetensors.encode(sources, metadata: metadata, hasChecksum: hasChecksum)
    }

    // MARK: - Checksum

    /// Where the digits of the checksum are in a file; nil if its header has none as it is written
    /// here.
    private static func checksumPlace(_ header: Data) -> Range<Int>? {
        // Within a string, quotes have a backslash before them.
        guard let name = header.range(of: Data("\"\(checksumName)\":\"".utf8)),
            header.endIndex - name.upperBound >= checksumLength
        else { return nil }
        let start = 8 + name.upperBound - header.startIndex
        return start..<start + checksumLength
    }

    private static func checksum(_ bytes: UnsafeRawBufferPointer, apartFrom place: Range<Int>) -> String {
        let checksum = crc.checksum(
            UnsafeRawBufferPointer(rebasing: bytes[place.upperBound...]),
            continuing: crc.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<place.lowerBound])))
        let digits = String(checksum, radix: 16)
        return String(repeating: "0", count: checksumLength - digits.count) + digits
    }

    // MARK: - Reading

    private struct DecodedHeader: Decodable {
        var entries: [String: Entry] = [:]
        var metadata: [String: String] = [:]

        init(from decoder: Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            for name in container.allKeys {
                if name.stringValue == metadataName {
                    metadata = try container.decode([String: String].self, forKey: name)
                } else {
                    entries[name.stringValue] = try container.decode(Entry.self, forKey: name)
                }
            }
        }
    }

    init() {}

    /// Reads a file's bytes. Floats of 16 and of 64 bits become 32-bit floats. A checksum must be
    /// right if there is one, as in every checkpoint since version 0.2.0.
    ///
    /// - Throws: ``FormatError``.
    init(_ data: Data) throws {
        guard data.count >= 8 else { throw FormatError(reason: "it is not a safetensors file") }
        let headerLength = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard headerLength <= UInt64(data.count - 8) else {
            throw FormatError(reason: "it is not a safetensors file, or a truncated one")
        }
        let start = data.startIndex + 8 + Int(headerLength)
        let place = Safetensors.checksumPlace(data[(data.startIndex + 8)..<start])
        let isDamaged = place.map { place in
            data.withUnsafeBytes { !Safetensors.checksum($0, apartFrom: place).utf8.elementsEqual($0[place]) }
        }
        guard isDamaged != true else {
            throw FormatError(reason: "it was damaged or edited: its checksum is not that of its bytes")
        }
        let header: DecodedHeader
        do {
            header = try JSONDecoder().decode(DecodedHeader.self, from: data[data.startIndex + 8..<start])
        } catch {
            throw FormatError(reason: "its header is not that of a safetensors file")
        }
        metadata = header.metadata
        guard (metadata.removeValue(forKey: Safetensors.checksumName) == nil) == (place == nil) else {
            throw FormatError(reason: "it was edited: its checksum is not where chargen writes it")
        }
        var length = 0
        for (name, entry) in header.entries {
            guard entry.offsets.count == 2, case let (from, to) = (entry.offsets[0], entry.offsets[1]),
                from >= 0, from <= to, to <= data.endIndex - start
            else { throw FormatError(reason: "tensor '\(name)' does not lie within the file") }
            length += to - from
            guard length <= data.endIndex - start else { throw FormatError(reason: "tensors overlap") }
            var count = 1
            for size in entry.shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                guard size >= 0, !overflow else {
                    throw FormatError(reason: "tensor '\(name)' has an impossible shape")
                }
                count = product
            }
            guard let size = Safetensors.elementSizes[entry.dtype] else {
                otherTypes[name] = entry.dtype
                continue
            }
            guard (to - from) / size == count, (to - from) % size == 0 else {
                throw FormatError(reason: "tensor '\(name)' has another size than its shape")
            }
            let bytes = data[start + from..<start + to]
            let elements =
                switch entry.dtype {
                case "F64": Safetensors.elements(bytes, count, filling: 0.0).map { Float($0) }
                case "F16": Safetensors.elements(bytes, count, filling: Float16(0)).map { Float($0) }
                case "BF16": Safetensors.elements(bytes, count, filling: UInt16(0)).map { Quantiser.widened($0) }
                default: Safetensors.elements(bytes, count, filling: Float(0))
                }
            tensors[name] = Tensor(shape: entry.shape, elements: elements)
        }
    }

    /// The bytes of an element of each type that is read.
    private static let elementSizes = ["F32": 4, "F64": 8, "F16": 2, "BF16": 2]

    /// The `count` elements in some bytes, which replace as many of `element`.
    private static func elements<Element>(_ bytes: Data, _ count: Int, filling element: Element) -> [Element] {
        var elements = [Element](repeating: element, count: count)
        elements.withUnsafeMutableBytes { _ = bytes.copyBytes(to: $0) }
        return elements
    }
}

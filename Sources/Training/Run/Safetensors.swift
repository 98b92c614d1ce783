import Foundation

/// A safetensors file of floats: named tensors and a table of strings.
///
/// The format is Hugging Face's (github.com/huggingface/safetensors): the length of a JSON header
/// as a 64-bit little-endian integer, the header, the tensors' bytes without gaps.
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

    // MARK: - Writing

    private struct Header: Encodable {
        let file: Safetensors
        let names: [String]

        func encode(to encoder: Encoder) throws {
            var container = encoder.container(keyedBy: Name.self)
            if !file.metadata.isEmpty {
                try container.encode(file.metadata, forKey: Name(stringValue: metadataName))
            }
            var offset = 0
            for name in names {
                guard let tensor = file.tensors[name] else { continue }
                let end = offset + tensor.elements.count * 4
                let entry = Entry(dtype: "F32", shape: tensor.shape, offsets: [offset, end])
                try container.encode(entry, forKey: Name(stringValue: name))
                offset = end
            }
        }
    }

    /// The file's bytes, the same for the same contents.
    func encoded() throws -> Data {
        let names = tensors.keys.sorted()
        var header = try JSON.data(Header(file: self, names: names))
        // The tensors begin at a multiple of eight bytes.
        while header.count % 8 != 0 { header.append(0x20) }
        var data = Data()
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { data.append(contentsOf: $0) }
        data.append(header)
        for name in names {
            tensors[name]?.elements.withUnsafeBytes { data.append(contentsOf: $0) }
        }
        return data
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

    /// Reads a file's bytes. Floats of 16 and of 64 bits become 32-bit floats.
    ///
    /// - Throws: ``FormatError``.
    init(_ data: Data) throws {
        guard data.count >= 8 else { throw FormatError(reason: "it is not a safetensors file") }
        let headerLength = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard headerLength <= UInt64(data.count - 8) else {
            throw FormatError(reason: "it is not a safetensors file, or a truncated one")
        }
        let start = data.startIndex + 8 + Int(headerLength)
        let header: DecodedHeader
        do {
            header = try JSONDecoder().decode(DecodedHeader.self, from: data[data.startIndex + 8..<start])
        } catch {
            throw FormatError(reason: "its header is not that of a safetensors file")
        }
        metadata = header.metadata
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

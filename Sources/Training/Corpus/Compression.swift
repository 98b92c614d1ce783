/// The compression of a file, recognised by its first bytes.
enum Compression {
    case gzip
    case xz
    case zstd

    /// The number of bytes by which a compression is recognised.
    static let magicLength = 6

    /// - Parameter beginning: The first ``magicLength`` bytes, or fewer if the file has fewer.
    init?(magicOf beginning: [UInt8]) {
        // RFC 1952, section 2.3.1; the .xz file format, section 2.1.1.1; RFC 8878, section 3.1.1.
        if beginning.starts(with: [0x1F, 0x8B, 0x08]) {
            self = .gzip
        } else if beginning.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) {
            self = .xz
        } else if beginning.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
            self = .zstd
        } else {
            return nil
        }
    }
}

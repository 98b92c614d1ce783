import Testing

@testable import Training

@Suite struct CorpusSHA256Tests {
    private func digest(_ bytes: [UInt8], pieces: Int = .max) -> String {
        var hash = SHA256()
        for start in stride(from: 0, to: bytes.count, by: min(pieces, max(1, bytes.count))) {
            bytes[start..<min(bytes.count, start + min(pieces, bytes.count))].withUnsafeBytes { hash.update($0) }
        }
        return hash.hexadecimalDigest()
    }

    /// NIST's example values for FIPS 180-4 (csrc.nist.gov, "Examples with Intermediate Values"),
    /// the long ones from its additional vectors.
    private static let vectors: [(message: String, digest: String)] = [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ]

    @Test("the published messages have the published hashes", arguments: vectors)
    func published(message: String, expected: String) {
        #expect(digest(Array(message.utf8)) == expected)
    }

    @Test(
        "the hash does not depend on how the stream is divided", arguments: [1, 3, 55, 56, 63, 64, 65, 127, 128, 129])
    func pieces(size: Int) {
        for count in 0..<200 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            #expect(digest(bytes, pieces: size) == digest(bytes))
        }
    }
}

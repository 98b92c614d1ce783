/// The SHA-256 hash of a stream of bytes (FIPS 180-4, section 6.2).
struct SHA256 {
    private static let blockSize = 64

    /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (section
    /// 4.2.2).
    private static let constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]

    /// The first 32 bits of the fractional parts of the square roots of the first 8 primes (section
    /// 5.3.3).
    private var state: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19
    )
    /// The bytes after the last whole block.
    private var rest: [UInt8] = []
    private var byteCount: UInt64 = 0

    /// Adds bytes to the stream.
    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        byteCount += UInt64(bytes.count)
        var start = 0
        if !rest.isEmpty {
            start = min(SHA256.blockSize - rest.count, bytes.count)
            rest += bytes[..<start]
            guard rest.count == SHA256.blockSize else { return }
            rest.withUnsafeBytes { compress($0) }
            rest = []
        }
        let end = bytes.count - (bytes.count - start) % SHA256.blockSize
        compress(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        rest += bytes[end...]
    }

    /// The hash of all bytes so far, as 64 lower-case hexadecimal digits.
    func hexadecimalDigest() -> String {
        var copy = self
        // A one bit, zeros, and the length in bits fill the last block (section 5.1.1).
        var padding: [UInt8] = [0x80]
        padding += repeatElement(0, count: (2 * SHA256.blockSize - 9 - rest.count) % SHA256.blockSize)
        padding += (0..<8).map { UInt8(truncatingIfNeeded: (byteCount &* 8) >> (56 - 8 * UInt64($0))) }
        padding.withUnsafeBytes { copy.update($0) }
        let (a, b, c, d, e, f, g, h) = copy.state
        return [a, b, c, d, e, f, g, h].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }

    /// Adds whole blocks to the state (section 6.2.2).
    private mutating func compress(_ blocks: UnsafeRawBufferPointer) {
        SHA256.constants.withUnsafeBufferPointer { constants in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
                for block in stride(from: 0, to: blocks.count, by: SHA256.blockSize) {
                    for index in 0..<16 {
                        schedule[index] = UInt32(
                            bigEndian: blocks.loadUnaligned(fromByteOffset: block + 4 * index, as: UInt32.self))
                    }
                    for index in 16..<64 {
                        let near = schedule[index - 2]
                        let far = schedule[index - 15]
                        let sigma0 = rotate(far, 7) ^ rotate(far, 18) ^ far &>> 3
                        let sigma1 = rotate(near, 17) ^ rotate(near, 19) ^ near &>> 10
                        schedule[index] = schedule[index - 16] &+ sigma0 &+ schedule[index - 7] &+ sigma1
                    }
                    var (a, b, c, d, e, f, g, h) = state
                    // The words change places in every round, and are in their own after eight:
                    // none has to be moved.
                    for index in stride(from: 0, to: 64, by: 8) {
                        round((a, b, c), &d, (e, f, g), &h, constants[index] &+ schedule[index])
                        round((h, a, b), &c, (d, e, f), &g, constants[index + 1] &+ schedule[index + 1])
                        round((g, h, a), &b, (c, d, e), &f, constants[index + 2] &+ schedule[index + 2])
                        round((f, g, h), &a, (b, c, d), &e, constants[index + 3] &+ schedule[index + 3])
                        round((e, f, g), &h, (a, b, c), &d, constants[index + 4] &+ schedule[index + 4])
                        round((d, e, f), &g, (h, a, b), &c, constants[index + 5] &+ schedule[index + 5])
                        round((c, d, e), &f, (g, h, a), &b, constants[index + 6] &+ schedule[index + 6])
                        round((b, c, d), &e, (f, g, h), &a, constants[index + 7] &+ schedule[index + 7])
                    }
                    state = (
                        state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d,
                        state.4 &+ e, state.5 &+ f, state.6 &+ g, state.7 &+ h
                    )
                }
            }
        }
    }

    @inline(__always)
    private func round(
        _ abc: (UInt32, UInt32, UInt32), _ d: inout UInt32, _ efg: (UInt32, UInt32, UInt32), _ h: inout UInt32,
        _ word: UInt32
    ) {
        let ((a, b, c), (e, f, g)) = (abc, efg)
        let choice = g ^ (e & (f ^ g))
        let majority = (a & b) | (c & (a | b))
        let sum = h &+ (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) &+ choice &+ word
        d = d &+ sum
        h = sum &+ (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ majority
    }

    @inline(__always)
    private func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word &>> count | word &<< (32 &- count) }
}

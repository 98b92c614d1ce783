import Core
import Testing

@Suite struct AlignedBufferTests {
    @Test(
        "A block that the system refuses is an error that says how much it was and what for",
        arguments: [(1 << 50, 4_503_599_628), (Int.max, 9_223_372_036_855), (-1, 1)])
    func refused(count: Int, megabytes: Int) {
        let error = #expect(throws: ChargenError.self) { try AlignedBuffer<Float>(count: count, for: "a test") }
        #expect(error?.kind == .outOfMemory)
        #expect(error?.message == "not enough memory: \(megabytes) MB for a test")
    }
}

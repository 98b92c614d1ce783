import ArgumentParser
import Testing

@testable import Trainer

@Suite("What a sweep varies")
struct VariationTests {
    private func values(_ choices: [[Choice]], _ name: String) -> [String] {
        choices.flatMap { $0.filter { $0.name == name }.map(\.value) }
    }

    @Test("is a list or a range of whole or of other numbers")
    func forms() throws {
        #expect(try Variation("cell=gru,lstm").values == .list(["gru", "lstm"]))
        #expect(try Variation("hidden=64").values == .list(["64"]))
        #expect(try Variation("hidden=32..512").values == .integers(32...512))
        #expect(try Variation("forget-bias=-2..2").values == .integers(-2...2))
        #expect(try Variation("learning-rate=0.002..0.02").values == .numbers(0.002...0.02))
        #expect(try Variation("learning-rate=1e-3..1").values == .numbers(0.001...1))
        #expect(try Variation("from=../a,../b").values == .list(["../a", "../b"]))
        #expect(try Variation("separator=a=b").values == .list(["a=b"]))
        #expect(try Variation("seed=0..18446744073709551615").values == .numbers(0...0x1p64))
    }

    @Test(
        "is refused in any other form",
        arguments: [
            "hidden", "=64", "--hidden=64", "hidden=", "hidden=64,", "hidden=64,64", "hidden=9..1", "hidden=1..1",
        ])
    func refused(text: String) {
        #expect(throws: ValidationError.self) { try Variation(text) }
    }

    @Test("becomes an argument; a flag is given or left out")
    func arguments() {
        #expect(Choice(name: "hidden", value: "64").argument == "--hidden=64")
        #expect(Choice(name: "forget-bias", value: "-1").argument == "--forget-bias=-1")
        #expect(Choice(name: "variational-dropout", value: "true").argument == "--variational-dropout")
        #expect(Choice(name: "variational-dropout", value: "false").argument == nil)
    }

    @Test("gives every combination, the last option changing fastest")
    func grid() throws {
        let variations = try [Variation("cell=gru,lstm"), Variation("hidden=8,16,32")]
        let grid = try variations.grid(limit: 6)
        #expect(values(grid, "cell") == ["gru", "gru", "gru", "lstm", "lstm", "lstm"])
        #expect(values(grid, "hidden") == ["8", "16", "32", "8", "16", "32"])
        #expect(throws: ValidationError.self) { try variations.grid(limit: 5) }
        #expect(throws: ValidationError.self) { try (variations + [Variation("time=10..20")]).grid(limit: 100) }
    }

    @Test("gives random choices that are different, within their ranges, and depend on the seed alone")
    func draws() throws {
        let variations = try [
            Variation("hidden=3..6"), Variation("learning-rate=0.001..0.1"), Variation("dropout=0..0.5"),
            Variation("cell=gru,lstm"),
        ]
        let draws = try variations.draws(200, seed: 7)
        #expect(draws.count == 200 && Set(draws).count == 200)
        #expect(Set(values(draws, "hidden")) == ["3", "4", "5", "6"])
        #expect(Set(values(draws, "cell")) == ["gru", "lstm"])
        let rates = values(draws, "learning-rate").compactMap(Double.init)
        #expect(rates.count == 200 && rates.allSatisfy { (0.001...0.1).contains($0) })
        let dropouts = values(draws, "dropout").compactMap(Double.init)
        #expect(dropouts.count == 200 && dropouts.allSatisfy { (0...0.5).contains($0) })
        // Half of them are below the middle of each range: 100, with a standard deviation of 7.
        #expect(abs(rates.count { $0 < 0.01 } - 100) < 30)
        #expect(abs(dropouts.count { $0 < 0.25 } - 100) < 30)

        #expect(try variations.draws(200, seed: 7) == draws)
        #expect(try variations.draws(50, seed: 7) == Array(draws[..<50]))
        #expect(try variations.draws(200, seed: 8) != draws)
    }

    @Test("is drawn up to the last combination, and no further")
    func exhausted() throws {
        let variations = try [Variation("hidden=1..3"), Variation("cell=gru,lstm")]
        #expect(try Set(variations.draws(6, seed: 1)).count == 6)
        #expect(throws: ValidationError.self) { try variations.draws(7, seed: 1) }
    }

    @Test("has the ends of its ranges")
    func ends() throws {
        let almostOne = 1 - 0x1p-53
        for (text, lowest, highest) in [
            ("hidden=64..512", "64", "512"), ("hidden=0..9", "0", "9"), ("forget-bias=-3..3", "-3", "3"),
            ("learning-rate=0.00123456..0.123456", "0.00123456", "0.123"), ("cell=a,b,c", "a", "c"),
        ] {
            let variation = try Variation(text)
            #expect(variation.value(at: 0) == lowest && variation.value(at: almostOne) == highest)
        }
    }
}

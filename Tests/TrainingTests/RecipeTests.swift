import Core
import Testing

@testable import Training

@Suite("The settings that are chosen for a text and a time")
struct RecipeTests {
    private func corpus(_ characters: Int, documents: DocumentKind = .whole) throws -> Corpus {
        var random = SplitMix64(seed: 4)
        let letters = Array("abcdefghijklmnopqrstuvwxyz \n")
        return try testCorpus(
            String((0..<characters).map { _ in letters[Int(random.next() % 28)] }), documents: documents)
    }

    @Test("are valid, for texts of any length and times of any length", arguments: [3, 100, 5000, 300_000], [0.02, 3])
    func valid(characters: Int, minutes: Double) throws {
        let recipe = try Recipe(corpus(characters), minutes: minutes) { $0.threads = 2 }
        try recipe.settings.validate()
        #expect(recipe.reasons.count == 3)
        #expect(recipe.settings.cell == .gru && recipe.settings.schedule == .cosine)
    }

    @Test("a longer time gives a model that is not smaller, and a small text a small model")
    func sizes() throws {
        let text = try corpus(2_000_000)
        let sizes = try [0.1, 30].map { try Recipe(text, minutes: $0) { $0.threads = 2 }.settings.hiddenSize }
        #expect(sizes[0] <= sizes[1] && sizes[1] >= 128)
        let small = try Recipe(corpus(3000), minutes: 30) { $0.threads = 2 }.settings
        #expect(small.hiddenSize == 64 && small.dropout > 0.2)
        // There is more time than so many epochs of such a text take.
        #expect(small.minutes == 30 && small.epochs >= 40)
    }

    @Test("count the symbols of windows, which overlap, in a time")
    func windows() throws {
        let text = try corpus(50_000)
        let recipe = try Recipe(text, minutes: 0.05) { ($0.batching, $0.hiddenSize, $0.threads) = (.windows, 16, 2) }
        // An epoch is T times the text: 40 readings of it are a few epochs.
        #expect(recipe.settings.minutes == 0.05 && recipe.settings.epochs < 10)
    }

    @Test("keep what is given, and suit the rest to it")
    func given() throws {
        let text = try corpus(100_000)
        let recipe = try Recipe(text, minutes: nil) {
            ($0.hiddenSize, $0.epochs, $0.layers, $0.dropout, $0.cell) = (200, 7, 1, 0.33, .lstm)
        }
        let settings = recipe.settings
        #expect(settings.hiddenSize == 200 && settings.epochs == 7 && settings.minutes == nil)
        #expect(settings.layers == 1 && settings.dropout == 0.33 && settings.cell == .lstm)
        #expect(settings.optimiser == .muon)
        let smaller = try Recipe(text, minutes: nil) { ($0.hiddenSize, $0.epochs) = (64, 7) }.settings
        #expect(settings.learningRate < smaller.learningRate)
        let adam = try Recipe(text, minutes: nil) { ($0.hiddenSize, $0.epochs, $0.optimiser) = (64, 7, .adam) }.settings
        #expect(adam.learningRate < smaller.learningRate)
    }

    @Test("sample the softmax of texts with a thousand different characters or more, unless that is given")
    func manySymbols() throws {
        func text(_ count: UInt32) throws -> Corpus {
            let characters = (0..<count).compactMap { Unicode.Scalar(0x4E00 + $0) }.map(Character.init)
            return try testCorpus(String((0..<6000).map { characters[$0 % characters.count] }))
        }
        func drawn(_ count: UInt32, _ given: Int? = nil) throws -> Int? {
            let recipe = try Recipe(text(count), minutes: nil) {
                $0.epochs = 1
                $0.drawnSymbols = given ?? $0.drawnSymbols
            }
            #expect(recipe.reasons[2].contains("sampled softmax") == (recipe.settings.drawnSymbols ?? 0 > 0))
            return recipe.settings.drawnSymbols
        }
        #expect(try drawn(999) == nil)
        #expect(try drawn(1000) == 256)
        #expect(try drawn(1000, 0) == 0)
        #expect(try drawn(999, 40) == 40)
    }
}

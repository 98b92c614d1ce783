import Core

/// A text with some regularity to learn, the same for the same arguments: sentences of invented
/// words.
public func sampleText(characters: Int, seed: UInt64 = 1) -> String {
    let beginnings = ["ba", "do", "ki", "lu", "me", "no", "ra", "si", "tu", "va"]
    let endings = ["l", "n", "r", "s", "th", ""]
    var random = SplitMix64(seed: seed)
    func pick(_ list: [String]) -> String { list[Int(random.next() % UInt64(list.count))] }
    var text = ""
    while text.utf8.count < characters {
        text += pick(beginnings) + pick(beginnings) + pick(endings) + (random.next() % 9 == 0 ? ".\n" : " ")
    }
    return String(text.prefix(characters))
}

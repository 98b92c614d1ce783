/// The first items of a list in a message, and how many more there are.
public func listed(_ items: [String]) -> String {
    let most = 20
    return items.prefix(most).joined(separator: ", ")
        + (items.count > most ? ", and \(items.count - most) more" : "")
}

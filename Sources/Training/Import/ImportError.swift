/// Why a file from elsewhere cannot become a model.
struct ImportError: Error {
    let reason: String
}

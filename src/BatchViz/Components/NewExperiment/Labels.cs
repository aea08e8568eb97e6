namespace BatchViz.Components.NewExperiment;

/// <summary>How the words of experiment files read on the screen.</summary>
internal static class Labels
{
    private static readonly Dictionary<string, string> Readings = new()
    {
        ["circles"] = "Circles", ["xor"] = "Xor", ["gaussians"] = "Gaussians", ["spirals"] = "Spirals", ["moons"] = "Moons",
        ["line"] = "Line (regression)", ["double-well"] = "Double well (two weights)", ["saddle"] = "Saddle (two weights)",
        ["beale"] = "Beale (two weights)", ["mnist"] = "MNIST", ["csv"] = "CSV file", ["idx"] = "IDX files",
        ["linear"] = "Linear", ["relu"] = "ReLU", ["sigmoid"] = "Sigmoid", ["gelu"] = "GELU",
        ["cross-entropy"] = "Cross-entropy", ["logistic"] = "Logistic", ["squared"] = "Squared", ["surface"] = "The surface itself",
        ["sgd"] = "SGD", ["momentum"] = "Momentum", ["nesterov"] = "Nesterov", ["adam"] = "Adam",
        ["adagrad"] = "AdaGrad", ["adadelta"] = "AdaDelta", ["rmsprop"] = "RMSprop", ["adamw"] = "AdamW",
        ["epochs"] = "Epochs", ["updates"] = "Updates", ["examples"] = "Examples", ["seconds"] = "Lane seconds",
        ["keep"] = "Keep: a short batch", ["drop"] = "Drop it", ["carry"] = "Carry into the next epoch", ["wrap"] = "Wrap: fill from the front",
        ["reweight"] = "Keep, weighted by its size",
        ["shuffle"] = "Shuffled every epoch", ["sequential"] = "As in the file", ["replacement"] = "Drawn with replacement",
    };

    /// <summary>"Linear" is an activation and a rule, and reads differently as a rule.</summary>
    public static readonly IReadOnlyList<(string, string)> Rules =
        [("constant", "The same for every B"), ("linear", "∝ B"), ("square-root", "∝ √B"), ("tuned", "Tuned for each B")];

    public static IReadOnlyList<(string, string)> Of<T>(IEnumerable<(string Word, T)> words) => [.. words.Select(w => (w.Word, Of(w.Word)))];

    public static string Of(string word) => Readings.GetValueOrDefault(word, word);
}

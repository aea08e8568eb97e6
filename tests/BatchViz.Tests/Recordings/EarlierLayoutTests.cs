namespace BatchViz.Tests.Recordings;

/// <summary>Recordings whose logs name no columns, made before there was one for the infinity norm (tests/fixtures/recordings).</summary>
public sealed class EarlierLayoutTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("batchviz-earlier-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("momentum", "b32-s1")]
    [InlineData("lbfgs", "b64-s1")]
    public async Task They_are_exported_replayed_and_forked_in_the_columns_that_they_have(string name, string run)
    {
        string recording = Path.Combine(folder.FullName, name),
            csv = Path.Combine(folder.FullName, "csv");
        await Run("import", Fixture($"{name}.bviz"), "--out", recording);

        await Run("export", recording, "--to", "csv", "--run", run, "--out", csv);
        Assert.Equal(File.ReadAllText(Fixture($"{name}-{run}.csv")), File.ReadAllText(Path.Combine(csv, $"{run}.csv")));
        Assert.Contains("the same bits as recorded", await Run("replay", recording, "--run", run, "--update", "20"));

        await Run("fork", recording, "--run", run, "--update", "20", "--set", "learningRate=0.05");
        await Run("export", recording, "--to", "csv", "--out", csv, "--force");
        Assert.Equal(File.ReadAllText(Fixture($"{name}-{run}.csv")), File.ReadAllText(Path.Combine(csv, $"{run}.csv")));
        Assert.DoesNotContain("gradientInfinityNorm", File.ReadLines(Path.Combine(csv, $"{run}-u20.csv")).First());
        Assert.Contains("the same bits as recorded", await Run("replay", recording, "--run", $"{run}-u20", "--update", "25"));
    }

    [Theory]
    [InlineData("momentum", "b32-s1")]
    [InlineData("lbfgs", "b64-s1")]
    public async Task The_same_experiment_gives_the_same_numbers_in_all_columns_of_then(string name, string run)
    {
        string recording = Path.Combine(folder.FullName, name),
            csv = Path.Combine(folder.FullName, "csv");
        await Run("run", Fixture($"{name}.json"), "--out", recording, "--path", "portable");
        await Run("export", recording, "--to", "csv", "--run", run, "--out", csv);

        var (then, now) = (Columns(Fixture($"{name}-{run}.csv")), Columns(Path.Combine(csv, $"{run}.csv")));

        Assert.Equal(["gradientInfinityNorm"], now.Keys.Except(then.Keys));
        Assert.All(then.Keys.Where(column => column != "seconds"), column => Assert.Equal(then[column], now[column]));
        Assert.All(now["gradientInfinityNorm"], value => Assert.True(float.Parse(value) > 0));
    }

    private static Dictionary<string, string[]> Columns(string file)
    {
        string[][] lines = [.. File.ReadLines(file).Select(line => line.Split(','))];
        return lines[0]
            .Select((name, c) => (name, c))
            .ToDictionary(column => column.name, column => lines[1..].Select(line => line[column.c]).ToArray());
    }

    private static async Task<string> Run(params string[] arguments)
    {
        var (code, output, error) = await BuiltProgram.Run(null, arguments);
        Assert.True(code == 0, $"{string.Join(' ', arguments)}: {output} {error}");
        return output;
    }

    private static string Fixture(string name)
    {
        for (string at = AppContext.BaseDirectory; ; at = Path.GetDirectoryName(at)!)
            if (File.Exists(Path.Combine(at, "BatchViz.sln")))
                return Path.Combine(at, "tests", "fixtures", "recordings", name);
    }
}

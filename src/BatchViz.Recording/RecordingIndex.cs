using System.Globalization;
using BatchViz.Core.Specs;
using Microsoft.Data.Sqlite;

namespace BatchViz.Recording;

/// <summary>
/// Summaries of a folder's recordings in one SQLite file, so that a list of thousands need not read their logs again. The folders
/// stay the truth: a summary counts only while its folder's signature is the one it was read under, and an index that is lost,
/// locked, damaged or of another version is no error: it is as if it were empty, and is written anew.
/// </summary>
public sealed class RecordingIndex(string root)
{
    public const string FileName = ".index.sqlite";

    /// <summary>Raised whenever a summary holds something else than before, or the same files are read another way.</summary>
    private const int SchemaVersion = 1;

    private const int SqliteBusy = 5,
        SqliteLocked = 6;

    private const string Schema = """
        create table recording (
            key text primary key, signature text not null, manifest blob, runs blob not null,
            bytes integer not null, created text not null, problem text)
        """;

    private readonly string file = Path.Combine(root, FileName);

    /// <summary>All summaries by the name of their folder, with the signature each was read under.</summary>
    public IReadOnlyDictionary<string, (string Signature, IndexedRecording Summary)> Load()
    {
        var all = new Dictionary<string, (string, IndexedRecording)>();
        if (File.Exists(file))
            Try(connection => Read(connection, all));
        return all;
    }

    /// <summary>Keeps summaries that were read, and forgets the recordings that are gone.</summary>
    /// <param name="read">By the name of their folder.</param>
    /// <param name="present">The names of all folders that are there.</param>
    public void Update(IReadOnlyDictionary<string, (string Signature, IndexedRecording Summary)> read, IReadOnlySet<string> present) =>
        Try(connection =>
        {
            using var transaction = connection.BeginTransaction();
            foreach (string gone in Keys(connection).Where(key => !present.Contains(key)))
                Delete(connection, gone);
            foreach (var (key, (signature, summary)) in read)
                Write(connection, key, signature, summary);
            transaction.Commit();
        });

    private static void Read(SqliteConnection connection, Dictionary<string, (string, IndexedRecording)> all)
    {
        using var select = connection.CreateCommand();
        select.CommandText = "select key, signature, manifest, runs, bytes, created, problem from recording";
        using var rows = select.ExecuteReader();
        while (rows.Read())
        {
            if (SummaryOf(rows) is { } summary)
                all[rows.GetString(0)] = (rows.GetString(1), summary);
        }
    }

    /// <summary>Null where a row does not say what a summary says: then the folder is read.</summary>
    private static IndexedRecording? SummaryOf(SqliteDataReader row)
    {
        try
        {
            var manifest = row.IsDBNull(2) ? null : RecordingManifest.Parse(row.GetFieldValue<byte[]>(2));
            string? problem = row.IsDBNull(6) ? null : row.GetString(6);
            if (manifest is null == problem is null)
                return null;
            return
                RecordingJson.Read<RunSummary[]>(row.GetFieldValue<byte[]>(3)) is { } runs
                && runs.Length == (manifest?.Runs.Count ?? 0)
                && DateTimeOffset.TryParseExact(row.GetString(5), "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var created)
                ? new(manifest, runs, row.GetInt64(4), created, problem)
                : null;
        }
        catch (RefusedException)
        {
            return null;
        }
    }

    private static List<string> Keys(SqliteConnection connection)
    {
        using var select = connection.CreateCommand();
        select.CommandText = "select key from recording";
        using var rows = select.ExecuteReader();
        var keys = new List<string>();
        while (rows.Read())
            keys.Add(rows.GetString(0));
        return keys;
    }

    private static void Delete(SqliteConnection connection, string key)
    {
        using var delete = connection.CreateCommand();
        delete.CommandText = "delete from recording where key = $key";
        delete.Parameters.AddWithValue("$key", key);
        delete.ExecuteNonQuery();
    }

    private static void Write(SqliteConnection connection, string key, string signature, IndexedRecording summary)
    {
        using var insert = connection.CreateCommand();
        insert.CommandText = "insert or replace into recording values ($key, $signature, $manifest, $runs, $bytes, $created, $problem)";
        insert.Parameters.AddWithValue("$key", key);
        insert.Parameters.AddWithValue("$signature", signature);
        insert.Parameters.AddWithValue("$manifest", (object?)summary.Manifest?.ToBytes() ?? DBNull.Value);
        insert.Parameters.AddWithValue("$runs", RecordingJson.Write(summary.Runs.ToArray()));
        insert.Parameters.AddWithValue("$bytes", summary.Bytes);
        insert.Parameters.AddWithValue("$created", summary.Created.ToString("O", CultureInfo.InvariantCulture));
        insert.Parameters.AddWithValue("$problem", (object?)summary.Problem ?? DBNull.Value);
        insert.ExecuteNonQuery();
    }

    /// <summary>Opens the file, makes its table where there is none, and does the work; whatever SQLite says against it ends it.</summary>
    private void Try(Action<SqliteConnection> work)
    {
        try
        {
            using var connection = new SqliteConnection(
                new SqliteConnectionStringBuilder
                {
                    DataSource = file,
                    Pooling = false, // a pooled connection would keep the file open, which Windows will not delete
                    DefaultTimeout = 1,
                }.ToString()
            );
            connection.Open();
            MakeTable(connection);
            work(connection);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is SqliteBusy or SqliteLocked)
        {
            // Another server is at it; the folders can be read instead.
        }
        catch (Exception e) when (e is SqliteException or InvalidCastException or InvalidOperationException)
        {
            Discard();
        }
    }

    private static void MakeTable(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "pragma user_version";
        if (command.ExecuteScalar() is (long)SchemaVersion)
            return;
        command.CommandText = $"begin immediate; drop table if exists recording; {Schema}; pragma user_version = {SchemaVersion}; commit";
        command.ExecuteNonQuery();
    }

    private void Discard()
    {
        try
        {
            File.Delete(file);
            File.Delete(file + "-journal");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that cannot be written has no index.
        }
    }
}

//! A comment on a pull request that is updated in place.

use serde::{Deserialize, Serialize};

use super::{
    api_client::GitHub,
    publish_error::PublishError,
    retries::Budget,
    text_limits::{self, LARGEST_COMMENT},
};

const PER_PAGE: usize = 100;
/// Most pages that are searched for our comment.
const MOST_PAGES: usize = 20;

#[derive(Deserialize)]
struct Comment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    author_association: Option<String>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

impl Comment {
    /// Whether testplan wrote it. The marker alone is no proof: any author can write one, and change the text later.
    fn is_ours(&self, marker: &str) -> bool {
        let body = self.body.as_deref().unwrap_or_default();
        let kind = self.user.as_ref().and_then(|user| user.kind.as_deref());
        let author = self.author_association.as_deref().unwrap_or_default();
        body.trim_start().starts_with(marker)
            && (kind == Some("Bot") || ["OWNER", "MEMBER", "COLLABORATOR"].contains(&author))
    }
}

#[derive(Serialize)]
struct CommentBody {
    body: String,
}

impl GitHub {
    /// Replaces the comment of the same context, or creates the first. Bodies are cut at [`LARGEST_COMMENT`] bytes, after the
    /// hidden marker. Two runs that create the first comment at the same moment may both do so.
    pub async fn put_comment(
        &self,
        pull_request: u64,
        context: &str,
        body: &str,
    ) -> Result<(), PublishError> {
        let marker = marker(context);
        let body = text_limits::lines(&format!("{marker}\n{body}"), LARGEST_COMMENT);
        let words = &CommentBody { body };
        let comments = &format!("/issues/{pull_request}/comments");
        let budget = Budget::start(self.patience);
        let marker = &marker;
        budget
            .persist(|| async move {
                match self.find_comment(budget, comments, marker).await? {
                    Some(id) => {
                        let path = format!("/issues/comments/{id}");
                        self.update(budget, &path, words).await
                    }
                    None => self.create(budget, comments, words).await,
                }
            })
            .await
    }

    async fn find_comment(
        &self,
        budget: Budget,
        comments: &str,
        marker: &str,
    ) -> Result<Option<u64>, PublishError> {
        for page in 1..=MOST_PAGES {
            let path = format!("{comments}?per_page={PER_PAGE}&page={page}");
            let list: Vec<Comment> = self.get(budget, &path).await?;
            if let Some(ours) = list.iter().find(|comment| comment.is_ours(marker)) {
                return Ok(Some(ours.id));
            }
            if list.len() < PER_PAGE {
                return Ok(None);
            }
        }
        Err(PublishError::TooManyComments {
            comments: MOST_PAGES * PER_PAGE,
        })
    }
}

/// An HTML comment that identifies testplan's. The context cannot end it.
fn marker(context: &str) -> String {
    let is_plain = |c: char| !c.is_control() && !"<>".contains(c);
    let context = context.chars().take(200);
    let mut context: String = context.map(|c| if is_plain(c) { c } else { '_' }).collect();
    while context.contains("--") {
        context = context.replace("--", "-");
    }
    format!("<!-- testplan: {context} -->")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn context_cannot_end_the_marker() {
        assert_eq!(marker("gui / nightly"), "<!-- testplan: gui / nightly -->");
        for hostile in ["a --> b", "--!>", "a\n-->", "---->", "<!--"] {
            let marker = marker(hostile);
            let inside = &marker[4..marker.len() - 3];
            assert!(!inside.contains("--"), "{marker}");
            assert!(!inside.contains(['\n', '<', '>']), "{marker}");
        }
    }

    #[test]
    fn only_comments_of_trusted_authors_are_ours() {
        let marker = marker("x");
        let ours = |json: serde_json::Value| {
            let comment: Comment = serde_json::from_value(json).unwrap();
            comment.is_ours(&marker)
        };
        let body = format!("{marker}\nhello");
        let bot = json!({ "type": "Bot" });
        let user = json!({ "type": "User" });
        assert!(ours(
            json!({ "id": 1, "body": body, "user": bot, "author_association": "NONE" })
        ));
        assert!(ours(
            json!({ "id": 1, "body": body, "user": user, "author_association": "MEMBER" })
        ));
        assert!(!ours(
            json!({ "id": 1, "body": body, "user": user, "author_association": "NONE" })
        ));
        assert!(!ours(json!({ "id": 1, "body": body, "user": null })));
        assert!(!ours(
            json!({ "id": 1, "body": format!("> {body}"), "user": bot })
        ));
        assert!(!ours(json!({ "id": 1, "body": null, "user": bot })));
    }
}
